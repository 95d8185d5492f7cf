//! Signals reach the program.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::{PROGRAM, Running, child_of, entries, exec, kill, out, runtime, two, wait_until, waiting};
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn signals_reach_the_program_and_the_token_file_is_removed() {
    for (signal, status) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129), (Signal::USR1, 138)]
    {
        let sandbox = two();
        let mut running = waiting(&sandbox, "");
        kill(&running.0, signal);
        assert_eq!(running.0.wait().unwrap().code(), Some(status), "{signal:?}");
        assert_eq!(entries(&runtime(&sandbox)), [""; 0], "{signal:?}");
    }
    // A program that handles the signal decides how it exits, and gets the signal once.
    let sandbox = two();
    let mut running = waiting(&sandbox, "trap 'echo once; sleep 0.3; exit 7' TERM;");
    kill(&running.0, Signal::TERM);
    let mut printed = String::new();
    running.0.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    assert_eq!((running.0.wait().unwrap().code(), printed.as_str()), (Some(7), "once\n"));
    assert_eq!(entries(&runtime(&sandbox)), [""; 0]);
}

/// The terminal sends Ctrl-C to every program. authctl forwards nothing, so a program that has left the terminal gets no
/// signal.
#[test]
fn ctrl_c_reaches_the_program_once() {
    for (program, seen) in [("sh trap", Some("INT\n")), ("setsid sh trap", None)] {
        let sandbox = two();
        // Ctrl-C ends the shell's children: possibly a sleep, but nothing that the loop depends on.
        let trap = "trap 'echo INT >> ../seen' INT; trap 'exit 7' TERM; touch ../ready\ni=0; while [ $i -lt 400 ]; do sleep 0.05; i=$((i + 1)); done\n";
        sandbox.write("work/trap", trap);
        // `script` gives it its own terminal.
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

/// The authctl processes whose arguments contain this text.
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

/// `nohup`, and a shell's background: an ignored signal stays ignored, even while authctl handles signals itself.
#[test]
fn signals_that_are_ignored_stay_ignored() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.client_secret = Some("s".to_owned()));
    let more = "grant_type = \"client_credentials\"\n_client_secret = \"s\"\n";
    let sandbox = Sandbox::new(&server_config(&server.domain(), more));
    let run = |ignoring: &str, arguments: &[&str]| {
        // With a refresh, so that authctl handles signals while it gets the token.
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
