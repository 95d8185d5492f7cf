//! Keeps secrets out of core files and panic messages (F-LEAK3, F-LEAK4), and keeps system limits from ending authctl
//! in the middle of a save (F-ROT5).

use std::io;

#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::os::open_files;

/// The usual limit on open files.
#[cfg(unix)]
const USUAL_FILES: u64 = 1024;

/// The user's own limit on open files, if authctl raised it.
#[cfg(unix)]
static FILE_LIMIT: std::sync::OnceLock<Rlimit> = std::sync::OnceLock::new();

/// The user's own soft limit on core files, which programs that replace authctl get back.
#[cfg(unix)]
static CORE_LIMIT: std::sync::OnceLock<Option<u64>> = std::sync::OnceLock::new();

/// Forbids core files and tracing by the user's other processes, and reduces panic messages to their location. A
/// failure here is ignored: this guards against rare events.
pub fn harden() {
    #[cfg(unix)]
    {
        let limit = getrlimit(Resource::Core);
        let _ = CORE_LIMIT.set(limit.current);
        set_core_limit(Some(0));
        survive_full_files();
        allow_open_files();
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
    std::panic::set_hook(Box::new(|panic| {
        // A panic's message may quote a value; its location does not.
        let place = panic.location().map_or_else(|| "somewhere".to_owned(), ToString::to_string);
        let text =
            format!("error: authctl has a bug, at {place}\nhint: please report it; nothing stored is lost\n");
        let _ = std::io::Write::write_all(&mut standard_error(), text.as_bytes());
    }));
}

/// Makes a write beyond the file size limit fail like a write to a full disk instead of ending the process. A program
/// that authctl starts does not inherit a handler, so the signal still ends it.
#[cfg(unix)]
fn survive_full_files() {
    use signal_hook::consts::SIGXFSZ;
    if !crate::adapters::signals::ignored::is_ignored(SIGXFSZ) {
        let _ = signal_hook::flag::register(SIGXFSZ, std::sync::Arc::default());
    }
}

/// Raises the limit on open files to the usual one, if the user may: macOS starts with a lower one, and a server needs
/// a file for each connection (F-SRV1).
#[cfg(unix)]
fn allow_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let usual = limit.maximum.map_or(USUAL_FILES, |maximum| maximum.min(USUAL_FILES));
    if limit.current.is_some_and(|current| current < usual) {
        let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(usual), ..limit });
        if raised.is_ok() {
            let _ = FILE_LIMIT.set(limit);
        }
    }
}

/// Starts a program with the user's own limits on core files and open files. For that moment they apply to this
/// process, which still leaves no core file on platforms where it is not dumpable.
pub(super) fn with_the_users_limits<T>(start: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    #[cfg(unix)]
    if let Some(&limit) = CORE_LIMIT.get() {
        set_core_limit(limit);
        let started = with_the_users_open_files(start);
        set_core_limit(Some(0));
        return started;
    }
    with_the_users_open_files(start)
}

/// Starts a program with the user's own limit on open files, or with authctl's if it has too many files open itself.
pub(super) fn with_the_users_open_files<T>(mut start: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    #[cfg(unix)]
    if let Some(limit) = FILE_LIMIT.get() {
        let ours = getrlimit(Resource::Nofile);
        let _ = setrlimit(Resource::Nofile, *limit);
        let started = start();
        let _ = setrlimit(Resource::Nofile, ours);
        if !started.as_ref().is_err_and(open_files::are_used_up) {
            return started;
        }
    }
    start()
}

/// Sets only the soft limit: a lowered hard limit cannot be raised again.
#[cfg(unix)]
fn set_core_limit(current: Option<u64>) {
    let maximum = getrlimit(Resource::Core).maximum;
    let _ = setrlimit(Resource::Core, Rlimit { current, maximum });
}

/// Whether [`harden`] failed; `None` if unknown.
pub fn leaves_core_files() -> Option<bool> {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, dumpable_behavior};
        let is_limited = getrlimit(Resource::Core).current == Some(0);
        let is_dumpable = !matches!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
        Some(!is_limited && is_dumpable)
    }
    #[cfg(all(unix, not(target_os = "linux")))]
    {
        Some(getrlimit(Resource::Core).current != Some(0))
    }
    #[cfg(not(unix))]
    None
}

#[expect(clippy::disallowed_methods, reason = "a panic can be reported in no other way")]
fn standard_error() -> io::Stderr {
    io::stderr()
}
