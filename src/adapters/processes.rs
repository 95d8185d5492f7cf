//! Other programs, started without a shell and never found in the working folder.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::{handed, launch};
use crate::ports::{Ended, Handed, Judge, Launch, LaunchError, ProcessError, Processes, Program};
use crate::secret::SecretText;
use crate::threads::Reserved;

/// No secret that a program prints is longer.
const LONGEST_OUTPUT: u64 = 1 << 20;

/// Child processes.
pub struct Children;

impl Processes for Children {
    fn output(&self, program: &Program<'_>) -> Result<SecretText, ProcessError> {
        let name = name(program);
        let input = if program.input.is_some() { Stdio::piped() } else { Stdio::null() };
        // The threads are there before the program is: what it prints may not be obtainable twice.
        let no_thread = |error| not_started(&name, &error);
        let writer = program.input.map(|_| Reserved::new("writer")).transpose().map_err(no_thread)?;
        let reader = Reserved::new("reader").map_err(no_thread)?;
        let mut child = start(program, input, Stdio::piped())?;
        if let (Some(writer), Some(text), Some(mut pipe)) =
            (writer, program.input.cloned(), child.stdin.take())
        {
            // A thread writes, for a program that reads nothing would hold us up. That it closes its input is its way.
            writer.run(move || drop(pipe.write_all(text.expose().as_bytes())));
        }
        let mut output = child.stdout.take();
        // A thread reads, so that a program that prints too much or nothing is ended in time.
        let reader = reader.run(move || {
            let mut bytes = Zeroizing::new(Vec::new());
            let read = output.as_mut().map(|output| output.take(LONGEST_OUTPUT + 1).read_to_end(&mut bytes));
            (read, bytes)
        });
        let status = wait(&mut child, program)?;
        let unusable = |reason| ProcessError::Unusable { program: name.clone(), reason };
        // A grandchild may hold the pipe open: what it prints is not waited for.
        let deadline = Duration::from_millis(500);
        let (_, bytes) = join(reader, deadline)
            .flatten()
            .ok_or_else(|| unusable("it left a program behind that holds its output"))?;
        // Reading ended there, and with it the program.
        if bytes.len() as u64 > LONGEST_OUTPUT {
            return Err(unusable("it is longer than 1 MiB"));
        }
        if !status.success() {
            return Err(ProcessError::Failed { program: name, status: describe(status) });
        }
        match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(SecretText::new(text)),
            Err(_) => Err(unusable("it is not UTF-8")),
        }
    }

    fn interact(&self, program: &Program<'_>) -> Result<(), ProcessError> {
        let name = name(program);
        let mut child = start(program, Stdio::inherit(), Stdio::inherit())?;
        let status = child.wait().map_err(|error| not_started(&name, &error))?;
        if status.success() {
            Ok(())
        } else {
            Err(ProcessError::Failed { program: name, status: describe(status) })
        }
    }

    fn parent(&self) -> Option<String> {
        parent()
    }

    fn run(&self, launch: &Launch<'_>, judge: Option<Judge<'_>>) -> Result<Ended, LaunchError> {
        launch::run(launch, judge)
    }

    fn replace(&self, launch: &Launch<'_>) -> Result<Ended, LaunchError> {
        launch::replace(launch)
    }

    fn hand_over(&self, text: &SecretText) -> std::io::Result<Box<dyn Handed>> {
        handed::hand_over(text)
    }

    fn notebook(&self) -> std::io::Result<Box<dyn Handed>> {
        handed::notebook()
    }
}

/// The parent's number and, since numbers are used again, when it was started; and, since a process may become another
/// program, which one it is: gcloud's `kubectl` asks, and then becomes the kubectl that fits the cluster.
#[cfg(unix)]
fn parent() -> Option<String> {
    let parent = rustix::process::getppid()?.as_raw_nonzero();
    let stat = std::fs::read_to_string(format!("/proc/{parent}/stat")).unwrap_or_default();
    // proc_pid_stat(5): the second field, the name, is in parentheses and may hold anything; the 22nd is the start.
    let started = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(19));
    let program = std::fs::read_link(format!("/proc/{parent}/exe")).unwrap_or_default();
    Some(format!("{parent} {} {}", started.unwrap_or_default(), program.display()))
}

#[cfg(not(unix))]
fn parent() -> Option<String> {
    None
}

fn name(program: &Program<'_>) -> String {
    program.command.first().cloned().unwrap_or_default()
}

fn not_started(program: &str, error: &dyn std::fmt::Display) -> ProcessError {
    ProcessError::NotStarted { program: program.to_owned(), reason: error.to_string() }
}

fn start(program: &Program<'_>, input: Stdio, output: Stdio) -> Result<Child, ProcessError> {
    let name = name(program);
    let path = find(&name).ok_or_else(|| not_started(&name, &"there is no such program on PATH"))?;
    let mut command = command(&path);
    command.args(&program.command[1..]).stdin(input).stdout(output);
    for variable in program.withheld {
        command.env_remove(variable);
    }
    command.spawn().map_err(|error| not_started(&name, &error))
}

/// A command whose environment has none of our own variables, for they may hold secrets (F-LEAK2).
#[expect(clippy::disallowed_methods, reason = "this is where programs are started")]
pub(super) fn command(path: &Path) -> Command {
    let mut command = Command::new(path);
    withhold_ours(&mut command);
    // What looks for programs of its own must not find them in the working folder either (F-URL4).
    if let Some(path) = std::env::var_os("PATH") {
        let absolute = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
        if let Ok(path) = std::env::join_paths(absolute) {
            command.env("PATH", path);
        }
    }
    command
}

/// Takes our own variables out of a program's environment.
pub(super) fn withhold_ours(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AUTHCTL_") {
            command.env_remove(name);
        }
    }
}

/// A program's path: absolute as written, else on PATH. Empty and relative parts of PATH are passed over, for they lead
/// into the working folder (F-URL4).
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is where programs are found")]
pub fn find(name: &str) -> Option<PathBuf> {
    let written = Path::new(name);
    if written.is_absolute() {
        return Some(written.to_owned());
    }
    if written.components().count() != 1 || name.is_empty() {
        return None;
    }
    let path = std::env::var_os("PATH")?;
    let suffixes: &[&str] = if cfg!(windows) { &["", ".exe"] } else { &[""] };
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .flat_map(|folder| suffixes.iter().map(move |suffix| folder.join(format!("{name}{suffix}"))))
        .find(|candidate| is_program(candidate))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

#[expect(clippy::disallowed_methods, reason = "this is where programs are waited for")]
fn wait(child: &mut Child, program: &Program<'_>) -> Result<std::process::ExitStatus, ProcessError> {
    let deadline = Instant::now() + program.timeout;
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait().map_err(|error| not_started(&name(program), &error))? {
            return Ok(status);
        }
        if Instant::now() >= deadline {
            let _ = child.kill();
            let _ = child.wait();
            return Err(ProcessError::TimedOut {
                program: name(program),
                seconds: program.timeout.as_secs(),
            });
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

#[expect(clippy::disallowed_methods, reason = "this is where programs are waited for")]
fn join<T>(thread: std::thread::JoinHandle<T>, limit: Duration) -> Option<T> {
    let deadline = Instant::now() + limit;
    while !thread.is_finished() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    thread.is_finished().then(|| thread.join().ok()).flatten()
}

fn describe(status: std::process::ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("ended with status {code}"),
        None => "was ended by a signal".to_owned(),
    }
}
