//! Runs a program to its end: captures its output, or lets it interact with the user.

use std::io::{self, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::adapters::hardening;
use crate::adapters::processes::program::{command, find, refuse_replaceable};
use crate::os::threads::Reserved;
use crate::ports::{ProcessError, Program};
use crate::secret::{SecretText, append};

/// The longest output: no secret is longer.
const LONGEST_OUTPUT: u64 = crate::secret::LONGEST as u64;

/// Runs a program and returns its standard output.
pub(super) fn output(program: &Program<'_>) -> Result<SecretText, ProcessError> {
    let name = name(program);
    let input = if program.input.is_some() { Stdio::piped() } else { Stdio::null() };
    // The threads start before the program does, because its output may not be available a second time.
    let no_thread = |error| not_started(&name, &error);
    let writer = program.input.map(|_| Reserved::new("writer")).transpose().map_err(no_thread)?;
    let reader = Reserved::new("reader").map_err(no_thread)?;
    let mut child = start(program, input, Stdio::piped())?;
    let pipes = Arc::new(AtomicBool::new(true));
    // The threads end on every path, even if the program left a child process that holds its pipes.
    let _close = CloseOnDrop(Arc::clone(&pipes));
    if let (Some(writer), Some(text), Some(pipe)) = (writer, program.input.cloned(), child.stdin.take()) {
        // A thread writes, because a program that reads nothing would block authctl. The program may close its input
        // early.
        let pipes = Arc::clone(&pipes);
        writer.run(move || write(pipe, text.expose().as_bytes(), &pipes));
    }
    let output = child.stdout.take();
    // A thread reads, so that a program that prints too much or nothing is ended in time.
    let reader = reader.run(move || output.map(|output| read(output, &pipes)).unwrap_or_default());
    let status = wait(&mut child, program)?;
    let unusable = |reason| ProcessError::Unusable { program: name.clone(), reason };
    // A grandchild may hold the pipe open, but its output is not waited for.
    let deadline = Duration::from_millis(500);
    let bytes = join(reader, deadline)
        .flatten()
        .ok_or_else(|| unusable("it left a child process that holds its output open"))?;
    // Reading stopped at the limit, and the program was ended.
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

/// Runs an interactive program.
pub(super) fn interact(program: &Program<'_>) -> Result<(), ProcessError> {
    let name = name(program);
    let mut child = start(program, Stdio::inherit(), Stdio::inherit())?;
    let status = child.wait().map_err(|error| status_lost(program, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(ProcessError::Failed { program: name, status: describe(status) })
    }
}

fn name(program: &Program<'_>) -> String {
    program.command.first().cloned().unwrap_or_default()
}

fn not_started(program: &str, error: &dyn std::fmt::Display) -> ProcessError {
    ProcessError::NotStarted { program: program.to_owned(), reason: error.to_string() }
}

fn start(program: &Program<'_>, input: Stdio, output: Stdio) -> Result<Child, ProcessError> {
    let name = name(program);
    let path = find(&name).ok_or_else(|| not_started(&name, &"no such program on PATH"))?;
    refuse_replaceable(&path).map_err(|reason| not_started(&name, &reason))?;
    let mut command = command(&path);
    command.args(&program.command[1..]).stdin(input).stdout(output);
    for variable in program.withheld {
        command.env_remove(variable);
    }
    hardening::with_the_users_open_files(|| command.spawn()).map_err(|error| not_started(&name, &error))
}

/// Stops the threads that use a program's pipes.
struct CloseOnDrop(Arc<AtomicBool>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Reads a program's output to its end, to the limit, or until it is no longer wanted.
fn read(mut pipe: ChildStdout, wanted: &AtomicBool) -> Zeroizing<Vec<u8>> {
    do_not_block(&pipe);
    let mut bytes = Zeroizing::new(Vec::new());
    let mut buffer = Zeroizing::new([0; 8192]);
    let mut pause = Pause::default();
    while bytes.len() as u64 <= LONGEST_OUTPUT {
        match pipe.read(&mut *buffer) {
            Ok(0) => break,
            Ok(count) => {
                append(&mut bytes, &buffer[..count]);
                pause = Pause::default();
            }
            Err(error) if is_not_ready(&error) && wanted.load(Ordering::Relaxed) => pause.make(),
            Err(_) => break,
        }
    }
    bytes
}

/// Writes a program's input until it is complete, the program closes it, or it is no longer wanted.
fn write(mut pipe: ChildStdin, mut bytes: &[u8], wanted: &AtomicBool) {
    do_not_block(&pipe);
    let mut pause = Pause::default();
    while !bytes.is_empty() {
        match pipe.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if is_not_ready(&error) && wanted.load(Ordering::Relaxed) => pause.make(),
            Err(_) => break,
        }
    }
}

fn is_not_ready(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Makes a pipe non-blocking. Windows does not support that.
#[cfg(unix)]
fn do_not_block(pipe: &impl std::os::fd::AsFd) {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    if let Ok(flags) = fcntl_getfl(pipe) {
        let _ = fcntl_setfl(pipe, flags | OFlags::NONBLOCK);
    }
}

#[cfg(not(unix))]
fn do_not_block<T>(_: &T) {}

/// A pause that doubles each time.
struct Pause(Duration);

impl Default for Pause {
    fn default() -> Self {
        Self(Duration::from_millis(1))
    }
}

impl Pause {
    #[expect(clippy::disallowed_methods, reason = "this is where programs are waited for")]
    fn make(&mut self) {
        std::thread::sleep(self.0);
        self.0 = (self.0 * 2).min(Duration::from_millis(20));
    }
}

/// The program ran, but its exit status is not available, for example because the parent process ignores SIGCHLD.
fn status_lost(program: &Program<'_>, error: &io::Error) -> ProcessError {
    ProcessError::Failed { program: name(program), status: format!("ended without an exit status: {error}") }
}

#[expect(clippy::disallowed_methods, reason = "this is where programs are waited for")]
fn wait(child: &mut Child, program: &Program<'_>) -> Result<std::process::ExitStatus, ProcessError> {
    let deadline = Instant::now() + program.timeout;
    let mut pause = Pause::default();
    loop {
        if let Some(status) = child.try_wait().map_err(|error| status_lost(program, &error))? {
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
        pause.make();
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
        Some(code) => format!("exited with status {code}"),
        None => "was ended by a signal".to_owned(),
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    /// How many threads of this process have a name.
    fn threads(name: &str) -> usize {
        let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().filter_map(Result::ok);
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        names.filter(|found| found.trim() == name).count()
    }

    /// A program that leaves another one behind, which holds both pipes for longer than this test lasts.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "threads are waited for")]
    fn no_thread_outlives_its_child_process_f_cb21() {
        let command = ["sh", "-c", "exec 3<&0; sleep 20 <&3 & echo x"].map(str::to_owned);
        let program = Program {
            command: &command,
            timeout: Duration::from_secs(5),
            withheld: &std::collections::BTreeSet::new(),
            input: Some(&SecretText::new("x".repeat(1 << 20))),
        };
        for _ in 0..3 {
            let output = output(&program);
            assert!(matches!(output, Err(ProcessError::Unusable { .. })), "{output:?}");
        }
        let deadline = Instant::now() + Duration::from_secs(5);
        while threads("reader") + threads("writer") > 0 {
            assert!(
                Instant::now() < deadline,
                "{} readers, {} writers",
                threads("reader"),
                threads("writer")
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
