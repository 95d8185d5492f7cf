//! `authctl exec`: a program with tokens in its environment, and nothing else of ours.

use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::sandbox::{server_config, set_mode};
use crate::support::{AuthorizationServer, Sandbox};

const PROGRAM: &str = env!("CARGO_BIN_EXE_authctl");

/// Two providers with tokens that need no login.
const TWO: &str = "store = \"file\"\n[credentials.gh]\ntemplate = \"github\"\njwt = \"canary-gh\"\n[credentials.key]\ndomain = \"api.example\"\napi_key.key = { env = \"CONFIGURED_KEY\" }\n[credentials.pw]\ndomain = \"pw.example\"\nbasic = { username = \"u\", password = \"it's $HOME\" }\n";

fn two() -> Sandbox {
    Sandbox::new(TWO)
}

/// `authctl exec` in a home, with a secret that the configuration reads and one of our own variables.
fn exec(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = sandbox.binary(PROGRAM, &[&["exec"], arguments].concat());
    command.env("CONFIGURED_KEY", "canary-key").env("AUTHCTL_DEFAULT", "gh").env("KEPT", "kept");
    command.env("XDG_RUNTIME_DIR", runtime(sandbox)).stdin(Stdio::null());
    command
}

/// The private folder of the session.
fn runtime(sandbox: &Sandbox) -> PathBuf {
    let folder = sandbox.path("runtime");
    std::fs::create_dir_all(&folder).unwrap();
    set_mode(&folder, 0o700);
    folder
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn out(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[track_caller]
fn fails(mut command: Command, status: i32, says: &[&str]) {
    let output: Output = command.output().unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{stderr}");
    assert_eq!(text(&output.stdout), "", "nothing ran");
    for says in says {
        assert!(stderr.contains(says), "`{says}` is not in {stderr}");
    }
}

/// A program that ends with the story, whatever the story comes to.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not happen in 10 seconds");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn entries(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap();
    names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn tokens_are_only_in_the_requested_variables_f_leak2() {
    let sandbox = two();
    for (name, arguments, want) in [
        ("the template's variable, the default provider", &[][..], &["GITHUB_TOKEN=canary-gh"][..]),
        ("by name", &["gh"], &["GITHUB_TOKEN=canary-gh"]),
        ("a variable made of the name", &["key"], &["KEY_TOKEN=canary-key"]),
        ("named", &["--env", "X=gh"], &["X=canary-gh"]),
        ("a header", &["--env", "X=gh:header"], &["X=Authorization: Bearer canary-gh"]),
        ("several", &["--env", "X=gh", "--env", "Y=key"], &["X=canary-gh", "Y=canary-key"]),
        ("one and a named one", &["--env", "X=key", "gh"], &["GITHUB_TOKEN=canary-gh", "X=canary-key"]),
        (
            "a secret's own variable, asked for",
            &["--env", "CONFIGURED_KEY=gh"],
            &["CONFIGURED_KEY=canary-gh"],
        ),
        ("one of ours, asked for", &["--env", "AUTHCTL_X=gh"], &["AUTHCTL_X=canary-gh"]),
        ("as it is", &["pw"], &["PW_TOKEN=it's $HOME"]),
    ] {
        let printed = out(exec(&sandbox, &[arguments, &["--", "env"]].concat()));
        let secret = |line: &&str| {
            line.contains("canary")
                || line.contains("it's")
                || line.starts_with("AUTHCTL_")
                || line.starts_with("CONFIG")
        };
        let mut secrets: Vec<&str> = printed.lines().filter(secret).collect();
        secrets.sort_unstable();
        assert_eq!(secrets, want, "{name}");
        assert!(printed.contains("KEPT=kept"), "the rest stays");
    }
    let json = out(exec(&sandbox, &["--env", "X=gh:json", "--", "printenv", "X"]));
    assert!(json.starts_with("{\"access_token\":\"canary-gh\"") && json.lines().count() == 1, "{json}");
}

#[test]
fn exec_leaks_no_argument_or_descriptor_and_keeps_limits_f_leak1_f_leak8() {
    let sandbox = two();
    for file in [&[][..], &["--file", "F=gh"]] {
        let run = |script: &str| out(exec(&sandbox, &[file, &["gh", "--", "sh", "-c", script]].concat()));
        // What whoever started the tests left open is there without authctl, too.
        let listing = ["-c", "ls /proc/self/fd"];
        let without = Command::new("sh").args(listing).stdin(Stdio::null()).output().unwrap();
        assert_eq!(run(listing[1]), text(&without.stdout));
        assert!(!run("cat /proc/*/cmdline | tr '\\0' ' '").contains("canary-gh"));
        // The limit that authctl lowered for itself is the user's again; a hard one was never lowered.
        for (set, soft, hard) in [("-Sc 8", "8", "unlimited"), ("-c 0", "0", "0")] {
            let limit = "ulimit -Sc; ulimit -Hc";
            let script = format!("ulimit {set} && exec \"$@\"");
            let mut shell = exec(&sandbox, &[]);
            let mut command = Command::new("sh");
            command
                .args(["-c", &script, "sh", PROGRAM, "exec"])
                .args(file)
                .args(["gh", "--", "sh", "-c", limit]);
            command.env_clear().envs(shell.get_envs().filter_map(|(name, value)| Some((name, value?))));
            command.current_dir(sandbox.path("work"));
            assert_eq!(out(command).split_whitespace().collect::<Vec<_>>(), [soft, hard], "{file:?}");
            shell.stdin(Stdio::null());
        }
    }
    // authctl itself makes no core file, also while it waits.
    let command = exec(&sandbox, &[]);
    let mut shell = Command::new("sh");
    let script = "ulimit -Sc 8 && exec \"$@\"";
    shell.args(["-c", script, "sh", PROGRAM, "exec", "--file", "F=gh", "--", "sleep", "20"]);
    shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut running = Running(shell.current_dir(sandbox.path("work")).spawn().unwrap());
    let id = running.0.id();
    wait_until("the child's start", || !child_of(id).is_empty());
    let limits = || std::fs::read_to_string(format!("/proc/{id}/limits")).unwrap_or_default();
    let is_none = |line: &str| line.starts_with("Max core file size        0 ");
    wait_until("the limit", || limits().lines().any(is_none));
    kill(&running.0, Signal::TERM);
    assert_eq!(running.0.wait().unwrap().code(), Some(143));
}

/// The processes whose parent is this one.
fn child_of(process: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    children.unwrap_or_default().split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

fn kill(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn the_status_is_the_programs() {
    let sandbox = two();
    for file in [&[][..], &["--file", "F=gh"]] {
        let status = |script: &str| {
            exec(&sandbox, &[file, &["gh", "--", "sh", "-c", script]].concat()).status().unwrap()
        };
        for code in [0, 1, 3, 42, 255] {
            assert_eq!(status(&format!("exit {code}")).code(), Some(code));
        }
        let ended = status("kill -TERM $$");
        if file.is_empty() {
            assert_eq!(ended.signal(), Some(15), "in our place: the signal is its own");
        } else {
            assert_eq!(ended.code(), Some(143), "128 and the signal");
        }
        let not_executable = sandbox.write("work/plain", "text");
        let broken = sandbox.write("work/broken", "#!/nonexistent/interpreter\n");
        set_mode(&broken, 0o700);
        for (program, status, says) in [
            ("no-such-program", 127, "cannot run no-such-program: there is no such program"),
            ("./no-such-program", 127, "there is no such program"),
            (not_executable.to_str().unwrap(), 126, "Permission denied"),
            ("./broken", 126, "its interpreter is missing"),
        ] {
            fails(exec(&sandbox, &[file, &["gh", "--", program]].concat()), status, &["error:", says]);
        }
    }
    assert_eq!(entries(&runtime(&sandbox)), [""; 0], "what did not start leaves no file behind");
    // F-URL4: a bare name is not looked for in the working folder, a path is the user's word.
    let here = sandbox.write("work/here", "#!/bin/sh\necho here\n");
    set_mode(&here, 0o700);
    let mut command = exec(&sandbox, &["gh", "--", "here"]);
    command.env("PATH", ".::/usr/bin:/bin");
    fails(command, 127, &["there is no such program"]);
    assert_eq!(out(exec(&sandbox, &["gh", "--", "./here"])), "here\n");
}

#[test]
fn nothing_starts_unless_every_token_is_there() {
    let server = AuthorizationServer::start();
    let mut config = server_config(&server.domain(), "");
    config.push_str("\n[credentials.gh]\ntemplate = \"github\"\njwt = \"canary-gh\"\n");
    let sandbox = Sandbox::new(&config);
    let touch = ["--", "sh", "-c", "touch ../started; echo started"];
    let failing = |arguments: &[&str], status: i32, says: &[&str]| {
        fails(exec(&sandbox, &[arguments, &touch].concat()), status, says);
        assert!(!sandbox.path("started").exists(), "{arguments:?}");
        assert_eq!(entries(&runtime(&sandbox)), [""; 0], "{arguments:?}");
    };
    failing(&["as"], 3, &["you are not logged in", "authctl login as"]);
    failing(&["--env", "X=gh", "--env", "Y=as"], 3, &["authctl login as"]);
    failing(&["--file", "X=gh", "--file", "Y=as"], 3, &["authctl login as"]);
    failing(&["--env", "X=nobody"], 4, &["`nobody` is not configured"]);
    failing(&["--env", "X=gh:id-token"], 1, &["does not offer an id token"]);
    failing(&["--env", "X=gh:yaml"], 2, &["raw, header"]);
    failing(&["--env", "1X=gh"], 2, &["NAME=PROVIDER"]);
    failing(&["--env", "X=gh", "--file", "X=gh"], 2, &["X is set twice"]);
    failing(&["--env", "X=gh", "--account", "a"], 2, &["the one provider that is named"]);
    fails(exec(&sandbox, &["gh"]), 2, &["COMMAND"]);
    fails(exec(&sandbox, &["gh", "echo"]), 2, &["echo"]);
}

#[test]
fn exec_passes_a_bound_token_with_a_note() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.dpop = true);
    let sandbox = Sandbox::new(&server_config(&server.domain(), "use_dpop = true"));
    login(&sandbox);
    let output = exec(&sandbox, &["as", "--", "printenv", "AS_TOKEN"]).output().unwrap();
    assert!(text(&output.stdout).starts_with("access-canary-"), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("bound to a key (DPoP)"));
    fails(exec(&sandbox, &["--env", "X=as:header", "--", "true"]), 1, &["--method GET --url URL"]);
    let id_token = out(exec(&sandbox, &["--env", "X=as:id-token", "--", "printenv", "X"]));
    assert_eq!(id_token.matches('.').count(), 2, "{id_token}");
    let scoped = exec(&sandbox, &["as", "--scope", "admin", "--", "true"]);
    fails(scoped, 3, &["the scope admin was not granted"]);
}

pub fn login(sandbox: &Sandbox) {
    let browser = sandbox.write("browser", "#!/bin/sh\nexec curl -sL -o /dev/null \"$1\"\n");
    set_mode(&browser, 0o700);
    let mut command = sandbox.binary(PROGRAM, &["login", "--browser", browser.to_str().unwrap()]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

const SHOW: &str = "cat \"$F\"; echo; stat -c '%a %F' \"$F\" \"$(dirname \"$F\")\"; echo \"$F\"";

#[test]
fn a_file_is_private_and_goes_with_the_program() {
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

    // A runtime folder that others can look into is none: shared memory is.
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

/// A run that waits in its program.
fn waiting(sandbox: &Sandbox, script: &str) -> Running {
    let script = format!("{script} touch ../ready; for i in $(seq 400); do sleep 0.05; done");
    let mut command = exec(sandbox, &["--file", "F=gh", "--", "sh", "-c", &script]);
    let running = Running(command.stdout(Stdio::piped()).spawn().unwrap());
    wait_until("the program's start", || sandbox.path("ready").exists());
    assert_eq!(entries(&runtime(sandbox)).len(), 1);
    running
}

#[test]
fn signals_go_to_the_program_and_the_file_goes_anyway() {
    for (signal, status) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129), (Signal::USR1, 138)]
    {
        let sandbox = two();
        let mut running = waiting(&sandbox, "");
        kill(&running.0, signal);
        assert_eq!(running.0.wait().unwrap().code(), Some(status), "{signal:?}");
        assert_eq!(entries(&runtime(&sandbox)), [""; 0], "{signal:?}");
    }
    // A program that handles the signal decides how it ends, and gets it once.
    let sandbox = two();
    let mut running = waiting(&sandbox, "trap 'echo once; sleep 0.3; exit 7' TERM;");
    kill(&running.0, Signal::TERM);
    let mut printed = String::new();
    running.0.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    assert_eq!((running.0.wait().unwrap().code(), printed.as_str()), (Some(7), "once\n"));
    assert_eq!(entries(&runtime(&sandbox)), [""; 0]);
}

/// Ctrl-C reaches every program at the terminal by itself. authctl sends nothing after it: a program that has left the
/// terminal gets no signal.
#[test]
fn ctrl_c_reaches_the_program_once() {
    for (program, seen) in [("sh trap", Some("INT\n")), ("setsid sh trap", None)] {
        let sandbox = two();
        // Ctrl-C ends whatever the shell has started: that may be any sleep, but nothing that the loop depends on.
        let trap = "trap 'echo INT >> ../seen' INT; trap 'exit 7' TERM; touch ../ready\ni=0; while [ $i -lt 400 ]; do sleep 0.05; i=$((i + 1)); done\n";
        sandbox.write("work/trap", trap);
        // `script` gives it a terminal of its own.
        let command = exec(&sandbox, &[]);
        let quoted = format!("exec {PROGRAM} exec --file F=gh -- {program}");
        let mut terminal = Command::new("script");
        terminal.args(["-qec", &quoted, "/dev/null"]).current_dir(sandbox.path("work"));
        terminal.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut running = Running(terminal.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap());
        wait_until("the program's start", || sandbox.path("ready").exists());
        let mut keys = running.0.stdin.take().unwrap();
        std::io::Write::write_all(&mut keys, b"\x03").unwrap();
        if seen.is_some() {
            wait_until("the interrupt", || sandbox.path("seen").exists());
        }
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(std::fs::read_to_string(sandbox.path("seen")).ok().as_deref(), seen, "{program}");
        let ours = processes_with(&format!("exec --file F=gh -- {program}"));
        let ours = ours.into_iter().find(|id| !child_of(*id).is_empty()).expect("it waits for the program");
        kill_process(Pid::from_raw(i32::try_from(ours).unwrap()).unwrap(), Signal::TERM).unwrap();
        assert_eq!(running.0.wait().unwrap().code(), Some(7), "{program}");
        assert_eq!(entries(&runtime(&sandbox)), [""; 0]);
    }
}

/// The authctl processes of this test binary's program whose arguments have this in them.
fn processes_with(text: &str) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        line.starts_with(PROGRAM) && line.contains(text)
    })
    .collect()
}

#[test]
fn what_a_killed_run_leaves_behind_goes_with_the_next() {
    let sandbox = two();
    let mut killed = waiting(&sandbox, "");
    let program = child_of(killed.0.id())[0];
    std::fs::remove_file(sandbox.path("ready")).unwrap();
    let script = "touch ../ready; for i in $(seq 400); do sleep 0.05; done";
    let mut living = exec(&sandbox, &["--file", "F=gh", "--", "sh", "-c", script]);
    let mut living = Running(living.spawn().unwrap());
    wait_until("the second start", || sandbox.path("ready").exists());
    assert_eq!(entries(&runtime(&sandbox)).len(), 2, "a living run's files are left alone");
    kill(&killed.0, Signal::KILL);
    killed.0.wait().unwrap();
    kill_process(Pid::from_raw(i32::try_from(program).unwrap()).unwrap(), Signal::KILL).unwrap();
    assert_eq!(entries(&runtime(&sandbox)).len(), 2);
    // What others left there is none of ours, whatever it is called.
    std::os::unix::fs::symlink(sandbox.path("work"), runtime(&sandbox).join("authctl-exec-link")).unwrap();
    assert_eq!(
        out(exec(&sandbox, &["--file", "F=gh", "--", "cat", "../runtime/authctl-exec-link/../ready"])),
        ""
    );
    assert_eq!(entries(&runtime(&sandbox)).len(), 2, "the living run's, and the link");
    assert!(sandbox.path("work").exists());
    kill(&living.0, Signal::TERM);
    living.0.wait().unwrap();
    assert_eq!(entries(&runtime(&sandbox)), ["authctl-exec-link"]);
}

/// `nohup`, and a shell's background: what is ignored stays ignored, also where authctl handles signals itself.
#[test]
fn signals_that_are_ignored_stay_ignored() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.client_secret = Some("s".to_owned()));
    let more = "grant_type = \"client_credentials\"\n_client_secret = \"s\"\n";
    let sandbox = Sandbox::new(&server_config(&server.domain(), more));
    let run = |ignoring: &str, arguments: &[&str]| {
        // Anew, so that signals are handled while the token is got.
        let _ = std::fs::remove_dir_all(sandbox.path("xdg-state"));
        let command = exec(&sandbox, &[]);
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{ignoring} exec \"$@\""), "sh", PROGRAM, "exec"]).args(arguments);
        shell.args(["--", "grep", "SigIgn", "/proc/self/status"]).stdin(Stdio::null());
        shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.current_dir(sandbox.path("work"));
        let printed = out(shell);
        u64::from_str_radix(printed.trim().rsplit('\t').next().unwrap(), 16).unwrap()
    };
    for arguments in [&["as"][..], &["as", "--file", "F=as"]] {
        let usual = run("", arguments);
        assert_eq!(run("trap '' HUP INT;", arguments), usual | 0b11, "{arguments:?}");
    }
    assert_eq!(server.token_requests("client_credentials"), 4);
}

#[test]
fn the_streams_are_the_programs_own() {
    let sandbox = two();
    for file in [&[][..], &["--file", "F=gh"]] {
        let mut command = exec(&sandbox, &[file, &["gh", "--", "sh", "-c", "cat; echo e >&2"]].concat());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"piped").unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((text(&output.stdout).as_str(), text(&output.stderr).as_str()), ("piped", "e\n"));
        let mut command =
            exec(&sandbox, &[file, &["gh", "--", "sh", "-c", "yes | head -1; kill -PIPE $$"]].concat());
        let status = command.stdout(Stdio::null()).status().unwrap();
        let by_pipe = status.signal() == Some(13) || status.code() == Some(141);
        assert!(by_pipe, "SIGPIPE is deadly for it, as for every program: {status:?}");
    }
}
