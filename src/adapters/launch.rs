//! Programs that run with the user's own streams: in our place, or while we wait for their end.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, ExitStatus, Stdio};

use super::{hardening, processes};
use crate::ports::{Ended, Judge, Launch, LaunchError, Verdict};

/// More output than this is not held back: no judge needs it, and memory is not for downloads.
const MOST_HELD: usize = 64 << 10;
/// Output that is discarded is read to its end, so that the program ends in peace; but no more than this.
const MOST_DISCARDED: u64 = 1 << 20;

/// Runs a program to its end.
pub(super) fn run(launch: &Launch<'_>, judge: Option<Judge<'_>>) -> Result<Ended, LaunchError> {
    let (path, mut command) = command(launch)?;
    if judge.is_some() {
        command.stdout(Stdio::piped());
    }
    let signals = waiting::Signals::take().map_err(|error| not_run(launch, &path, &error))?;
    let lend = |lent: bool| launch.handed.iter().for_each(|handed| handed.lend(lent));
    lend(true);
    let started = hardening::with_the_users_limits(|| command.spawn());
    lend(false);
    let mut child = started.map_err(|error| not_run(launch, &path, &error))?;
    let signals = signals.pass_on_to(&child);
    let discarded = match (judge, child.stdout.take()) {
        (Some(judge), Some(output)) => relay(output, judge),
        _ => false,
    };
    let status = signals.wait(&mut child).map_err(|error| not_run(launch, &path, &error))?;
    Ok(if discarded { Ended::Discarded } else { ended(status) })
}

/// Puts the program in the place of this process: its status, its signals and the terminal are its own then.
#[cfg(unix)]
pub(super) fn replace(launch: &Launch<'_>) -> Result<Ended, LaunchError> {
    let (path, mut command) = command(launch)?;
    let replaced = hardening::with_the_users_limits(|| {
        Err::<Ended, _>(std::os::unix::process::CommandExt::exec(&mut command))
    });
    replaced.map_err(|error| not_run(launch, &path, &error))
}

/// Windows puts no program in the place of another.
#[cfg(not(unix))]
pub(super) fn replace(launch: &Launch<'_>) -> Result<Ended, LaunchError> {
    run(launch, None)
}

#[expect(clippy::disallowed_methods, reason = "this is where programs are started")]
fn command(launch: &Launch<'_>) -> Result<(PathBuf, Command), LaunchError> {
    let path = locate(launch)?;
    let mut command = Command::new(&path);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::arg0(&mut command, launch.program);
    command.args(launch.arguments);
    processes::withhold_ours(&mut command);
    for variable in launch.withheld {
        command.env_remove(variable);
    }
    for (name, value) in launch.variables {
        command.env(name, value.expose());
    }
    Ok((path, command))
}

/// Uses a path as the user wrote it. Looks up a bare name, but not in the working folder and not where another user could
/// have put it (F-URL4).
fn locate(launch: &Launch<'_>) -> Result<PathBuf, LaunchError> {
    let written = Path::new(launch.program);
    if written.components().count() > 1 {
        return Ok(written.to_owned());
    }
    let program = launch.program.to_string_lossy().into_owned();
    match launch.program.to_str().and_then(processes::find) {
        None => Err(LaunchError::NotFound { program }),
        Some(path) => match processes::refuse_replaceable(&path) {
            Ok(()) => Ok(path),
            Err(reason) => Err(LaunchError::NotExecutable { program, reason }),
        },
    }
}

fn not_run(launch: &Launch<'_>, path: &Path, error: &io::Error) -> LaunchError {
    let program = launch.program.to_string_lossy().into_owned();
    match error.kind() {
        io::ErrorKind::NotFound if !path.exists() => LaunchError::NotFound { program },
        // It is there; what its first line names is not.
        io::ErrorKind::NotFound => {
            LaunchError::NotExecutable { program, reason: "its interpreter is missing".to_owned() }
        }
        _ => LaunchError::NotExecutable { program, reason: error.to_string() },
    }
}

/// Holds output back until the judge has decided, then passes on what follows as it comes. Says whether it was discarded.
fn relay(mut output: ChildStdout, judge: Judge<'_>) -> bool {
    let mut held = Vec::new();
    loop {
        let count = read_some(&mut output, &mut held);
        match judge(&held) {
            Verdict::Discard => {
                let _ = io::copy(&mut output.take(MOST_DISCARDED), &mut io::sink());
                return true;
            }
            Verdict::Wait if count > 0 && held.len() < MOST_HELD => {}
            Verdict::Wait | Verdict::Release => break,
        }
    }
    // That nobody reads any more is the program's to learn: its own pipe closes with ours.
    if let Ok(mut ours) = standard_output()
        && ours.write_all(&held).is_ok()
    {
        let _ = io::copy(&mut output, &mut ours);
    }
    false
}

fn read_some(output: &mut ChildStdout, held: &mut Vec<u8>) -> usize {
    let mut buffer = [0; 8192];
    loop {
        match output.read(&mut buffer) {
            Ok(count) => {
                held.extend_from_slice(&buffer[..count]);
                return count;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return 0,
        }
    }
}

/// Standard output without the buffer that would make lines of a download.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "this is where output is passed on")]
fn standard_output() -> io::Result<std::fs::File> {
    use std::os::fd::AsFd as _;
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}

#[cfg(windows)]
#[expect(clippy::disallowed_methods, reason = "this is where output is passed on")]
fn standard_output() -> io::Result<std::fs::File> {
    use std::os::windows::io::AsHandle as _;
    Ok(io::stdout().as_handle().try_clone_to_owned()?.into())
}

fn ended(status: ExitStatus) -> Ended {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return Ended::Signal(signal);
    }
    Ended::Status(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

#[cfg(unix)]
mod waiting {
    use std::io;
    use std::process::{Child, ExitStatus};
    use std::thread::JoinHandle;

    use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    use signal_hook::iterator::SignalsInfo;
    use signal_hook::iterator::backend::Handle;
    use signal_hook::iterator::exfiltrator::WithOrigin;
    use signal_hook::low_level::siginfo::{Cause, Origin};

    use crate::adapters::signals::{ProcessSignals, is_ignored};
    use crate::os::threads::Reserved;
    use crate::ports::{Held, Signals as _};

    /// What is passed on.
    const SIGNALS: [i32; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];

    /// Signals that end this process no more, and wait for somebody to whom they can go.
    pub(super) struct Signals {
        caught: Option<(SignalsInfo<WithOrigin>, Passer)>,
        held: Box<dyn Held>,
    }

    /// The thread that passes signals on. It starts before the program does, so that no signal is lost.
    type Passer = Reserved<Box<dyn FnOnce() + Send>, ()>;

    /// Signals that go to a program.
    pub(super) struct PassedOn {
        thread: Option<(Handle, JoinHandle<Option<()>>)>,
        _held: Box<dyn Held>,
    }

    impl Signals {
        pub(super) fn take() -> io::Result<Self> {
            let passer = Reserved::new("signals")?;
            let wanted = SIGNALS.into_iter().filter(|&signal| !is_ignored(signal));
            let caught = SignalsInfo::new(wanted).ok().map(|signals| (signals, passer));
            Ok(Self { held: ProcessSignals.hold(), caught })
        }

        pub(super) fn pass_on_to(self, child: &Child) -> PassedOn {
            let child = Pid::from_child(child);
            let thread = self.caught.map(|(mut signals, passer)| {
                let handle = signals.handle();
                let thread = passer.run(Box::new(move || {
                    for origin in signals.forever().filter(was_sent) {
                        if let Some(signal) = Signal::from_named_raw(origin.signal) {
                            let _ = kill_process(child, signal);
                        }
                    }
                }));
                (handle, thread)
            });
            PassedOn { thread, _held: self.held }
        }
    }

    /// Whether a process sent the signal. One from the terminal has reached the program already: it goes to the whole group.
    fn was_sent(origin: &Origin) -> bool {
        matches!(origin.cause, Cause::Sent(_)) || origin.process.is_some_and(|process| process.pid != 0)
    }

    impl PassedOn {
        /// Waits for the end. Nothing is passed on any more when the program is taken off the list of processes, for another
        /// could have its number then.
        pub(super) fn wait(self, child: &mut Child) -> io::Result<ExitStatus> {
            let which = WaitId::Pid(Pid::from_child(child));
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while waitid(which.clone(), options).is_err_and(|error| error == rustix::io::Errno::INTR) {}
            if let Some((handle, thread)) = self.thread {
                handle.close();
                let _ = thread.join();
            }
            child.wait()
        }
    }
}

/// On Windows Ctrl-C goes to every program of the console by itself.
#[cfg(not(unix))]
mod waiting {
    use std::io;
    use std::process::{Child, ExitStatus};

    pub(super) struct Signals;

    impl Signals {
        pub(super) fn take() -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) fn pass_on_to(self, _: &Child) -> Self {
            self
        }

        pub(super) fn wait(self, child: &mut Child) -> io::Result<ExitStatus> {
            child.wait()
        }
    }
}
