//! Keeps secrets out of core files and panic messages (F-LEAK3, F-LEAK4).

/// Forbids core files and tracing by other processes of this user, and makes panics tell their place alone. What fails
/// here is no reason to stop: it guards against what rarely happens.
pub fn harden() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
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
