//! `authctl exec`: a program with tokens in its environment, and nothing else from authctl.

mod environment;
mod files;
mod program;
mod signals;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::Sandbox;
use crate::support::sandbox::set_mode;

const PROGRAM: &str = env!("CARGO_BIN_EXE_authctl");

/// Two providers with tokens that need no login.
const TWO: &str = "store = \"file\"\n[credentials.gh]\ntemplate = \"github\"\njwt = \"canary-gh\"\n[credentials.key]\ndomain = \"api.example\"\napi_key.key = { env = \"CONFIGURED_KEY\" }\n[credentials.pw]\ndomain = \"pw.example\"\nbasic = { username = \"u\", password = \"it's $HOME\" }\n";

fn two() -> Sandbox {
    Sandbox::new(TWO)
}

/// `authctl exec` in a home, with a secret that the configuration reads and one of authctl's variables.
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

/// A program that is killed when the test ends, also when it fails.
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

/// The processes whose parent is this one.
fn child_of(process: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    children.unwrap_or_default().split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

fn kill(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

pub fn login(sandbox: &Sandbox) {
    let browser = sandbox.write("browser", "#!/bin/sh\nexec curl -sL -o /dev/null \"$1\"\n");
    set_mode(&browser, 0o700);
    let mut command = sandbox.binary(PROGRAM, &["login", "--browser", browser.to_str().unwrap()]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
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
