//! Keeps secrets out of core files and panic messages (F-LEAK3, F-LEAK4), and keeps limits of the system from ending
//! authctl in the middle of a save (F-ROT5).

/// The soft limit of core files that the user had set; programs that run in our place get it back.
#[cfg(unix)]
static CORE_LIMIT: std::sync::OnceLock<Option<u64>> = std::sync::OnceLock::new();

/// Forbids core files and tracing by other processes of this user, and makes panics tell their place alone. What fails
/// here is no reason to stop: it guards against what rarely happens.
pub fn harden() {
    #[cfg(unix)]
    {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Core);
        let _ = CORE_LIMIT.set(limit.current);
        set_core_limit(Some(0));
        survive_full_files();
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
    std::panic::set_hook(Box::new(|panic| {
        // The message of a panic may quote a value; its place does not.
        let place = panic.location().map_or_else(|| "somewhere".to_owned(), ToString::to_string);
        let text = format!(
            "error: authctl has a bug, at {place}\nhint: please report it; nothing that is stored is lost\n"
        );
        let _ = std::io::Write::write_all(&mut standard_error(), text.as_bytes());
    }));
}

/// Makes a write beyond the limit on the size of files fail like a write to a full disk, instead of ending the process. A
/// program that authctl starts does not inherit a handler, so the signal still ends it.
#[cfg(unix)]
fn survive_full_files() {
    use signal_hook::consts::SIGXFSZ;
    if !super::signals::is_ignored(SIGXFSZ) {
        let _ = signal_hook::flag::register(SIGXFSZ, std::sync::Arc::default());
    }
}

/// Starts a program that gets the user's own limit of core files. The limit is this process's for that moment, which still
/// makes none: it is not dumpable where the platform has that.
pub(super) fn with_the_users_limits<T>(start: impl FnOnce() -> T) -> T {
    #[cfg(unix)]
    if let Some(&limit) = CORE_LIMIT.get() {
        set_core_limit(limit);
        let started = start();
        set_core_limit(Some(0));
        return started;
    }
    start()
}

/// Sets the soft limit alone: a hard limit that is lowered cannot be raised again.
#[cfg(unix)]
fn set_core_limit(current: Option<u64>) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Core).maximum;
    let _ = setrlimit(Resource::Core, Rlimit { current, maximum });
}

/// Whether [`harden`] did not work; `None` where that cannot be told.
#[must_use]
pub fn leaves_core_files() -> Option<bool> {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};
        let is_limited = getrlimit(Resource::Core).current == Some(0);
        let is_dumpable = !matches!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
        Some(!is_limited && is_dumpable)
    }
    #[cfg(all(unix, not(target_os = "linux")))]
    {
        use rustix::process::{Resource, getrlimit};
        Some(getrlimit(Resource::Core).current != Some(0))
    }
    #[cfg(not(unix))]
    None
}

#[expect(clippy::disallowed_methods, reason = "a panic has no other way to speak")]
fn standard_error() -> std::io::Stderr {
    std::io::stderr()
}
