//! Token files are private and are removed with the program.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

use super::{Running, child_of, entries, exec, kill, out, runtime, two, wait_until, waiting};
use crate::support::sandbox::set_mode;

const SHOW: &str = "cat \"$F\"; echo; stat -c '%a %F' \"$F\" \"$(dirname \"$F\")\"; echo \"$F\"";

#[test]
fn a_token_file_is_private_and_removed_with_the_program() {
    let sandbox = two();
    let shown = out(exec(&sandbox, &["--file", "F=gh", "--", "sh", "-c", SHOW]));
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[..3], ["canary-gh", "600 regular file", "700 directory"]);
    assert!(lines[3].starts_with(runtime(&sandbox).to_str().unwrap()) && lines[3].ends_with("/F"), "{shown}");
    assert_eq!(entries(&runtime(&sandbox)), [""; 0]);
    let both = "test $(cat \"$F\")$(cat \"$G\") = canary-ghcanary-key && test -z \"$GITHUB_TOKEN\"";
    out(exec(&sandbox, &["--file", "F=gh", "--file", "G=key", "--", "sh", "-c", both]));
    exec(&sandbox, &["--file", "F=gh", "--", "sh", "-c", "exit 5"]).status().unwrap();
    assert_eq!(entries(&runtime(&sandbox)), [""; 0], "also after a failure");

    // A runtime folder that others can read is not used; shared memory is.
    set_mode(&runtime(&sandbox), 0o700);
    std::fs::create_dir_all(sandbox.path("open")).unwrap();
    set_mode(&sandbox.path("open"), 0o755);
    let mut command = exec(&sandbox, &["--file", "F=gh", "--", "sh", "-c", SHOW]);
    command.env("XDG_RUNTIME_DIR", sandbox.path("open"));
    let shown = out(command);
    let path = Path::new(shown.lines().nth(3).unwrap());
    assert_eq!(shown.lines().collect::<Vec<_>>()[..3], ["canary-gh", "600 regular file", "700 directory"]);
    assert!(path.starts_with("/run/user") || path.starts_with("/dev/shm"), "{shown}");
    assert!(!path.exists() && !path.parent().unwrap().exists());
}

#[test]
fn the_next_run_removes_files_of_a_killed_run() {
    let sandbox = two();
    let mut killed = waiting(&sandbox, "");
    let program = child_of(killed.0.id())[0];
    std::fs::remove_file(sandbox.path("ready")).unwrap();
    let script = "touch ../ready; for i in $(seq 400); do sleep 0.05; done";
    let mut living = exec(&sandbox, &["--file", "F=gh", "--", "sh", "-c", script]);
    let mut living = Running(living.spawn().unwrap());
    wait_until("the second start", || sandbox.path("ready").exists());
    assert_eq!(entries(&runtime(&sandbox)).len(), 2, "a running program's files are not deleted");
    kill(&killed.0, Signal::KILL);
    killed.0.wait().unwrap();
    kill_process(Pid::from_raw(i32::try_from(program).unwrap()).unwrap(), Signal::KILL).unwrap();
    assert_eq!(entries(&runtime(&sandbox)).len(), 2);
    // Other users' files there are not authctl's, whatever their names.
    std::os::unix::fs::symlink(sandbox.path("work"), runtime(&sandbox).join("authctl-exec-link")).unwrap();
    assert_eq!(
        out(exec(&sandbox, &["--file", "F=gh", "--", "cat", "../runtime/authctl-exec-link/../ready"])),
        ""
    );
    assert_eq!(entries(&runtime(&sandbox)).len(), 2, "the running program's folder, and the link");
    assert!(sandbox.path("work").exists());
    kill(&living.0, Signal::TERM);
    living.0.wait().unwrap();
    assert_eq!(entries(&runtime(&sandbox)), ["authctl-exec-link"]);
}
