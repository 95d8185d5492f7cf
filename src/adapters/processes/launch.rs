//! Runs programs with the user's own streams: they replace authctl, or authctl waits for their end.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::adapters::hardening;
use crate::adapters::processes::program::{find, refuse_replaceable, withhold_ours};
use crate::adapters::processes::relay::relay;
use crate::adapters::processes::signal_forwarding::CaughtSignals;
use crate::ports::{Ended, Launch, LaunchError, OutputFilter};

pub(super) fn run(launch: &Launch<'_>, filter: Option<OutputFilter<'_>>) -> Result<Ended, LaunchError> {
    let (path, mut command) = command(launch)?;
    if filter.is_some() {
        command.stdout(Stdio::piped());
    }
    let signals = CaughtSignals::take().map_err(|error| not_run(launch, &path, &error))?;
    let inherit = |inherits: bool| launch.inherited.iter().for_each(|file| file.set_inheritable(inherits));
    inherit(true);
    let started = hardening::with_the_users_limits(|| command.spawn());
    inherit(false);
    let mut child = started.map_err(|error| not_run(launch, &path, &error))?;
    let signals = signals.forward_to(&child);
    let discarded = match (filter, child.stdout.take()) {
        (Some(filter), Some(output)) => relay(output, filter),
        _ => false,
    };
    let status = signals.wait(&mut child).map_err(|error| not_run(launch, &path, &error))?;
    Ok(if discarded { Ended::Discarded } else { ended(status) })
}

/// Replaces this process with the program, which then has its own status, signals and terminal.
#[cfg(unix)]
pub(super) fn replace(launch: &Launch<'_>) -> Result<Ended, LaunchError> {
    let (path, mut command) = command(launch)?;
    let replaced = hardening::with_the_users_limits(|| {
        Err::<Ended, _>(std::os::unix::process::CommandExt::exec(&mut command))
    });
    replaced.map_err(|error| not_run(launch, &path, &error))
}

/// Windows cannot replace a process.
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
    withhold_ours(&mut command);
    for variable in launch.withheld {
        command.env_remove(variable);
    }
    for (name, value) in launch.variables {
        command.env(name, value.expose());
    }
    Ok((path, command))
}

/// Uses a path as the user wrote it. Looks up a bare name on PATH, but not in the working folder and not where another
/// user could have put it (F-URL4).
fn locate(launch: &Launch<'_>) -> Result<PathBuf, LaunchError> {
    let written = Path::new(launch.program);
    if written.components().count() > 1 {
        return Ok(written.to_owned());
    }
    let program = launch.program.to_string_lossy().into_owned();
    match launch.program.to_str().and_then(find) {
        None => Err(LaunchError::NotFound { program }),
        Some(path) => match refuse_replaceable(&path) {
            Ok(()) => Ok(path),
            Err(reason) => Err(LaunchError::NotExecutable { program, reason }),
        },
    }
}

fn not_run(launch: &Launch<'_>, path: &Path, error: &io::Error) -> LaunchError {
    let program = launch.program.to_string_lossy().into_owned();
    match error.kind() {
        io::ErrorKind::NotFound if !path.exists() => LaunchError::NotFound { program },
        // The program exists, but not the interpreter in its first line.
        io::ErrorKind::NotFound => {
            LaunchError::NotExecutable { program, reason: "its interpreter is missing".to_owned() }
        }
        _ => LaunchError::NotExecutable { program, reason: error.to_string() },
    }
}

fn ended(status: ExitStatus) -> Ended {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return Ended::Signal(signal);
    }
    Ended::Status(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
