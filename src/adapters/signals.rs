//! Ctrl-C and its like.

use crate::ports::{Held, Signals};

/// The signals of this process.
pub struct ProcessSignals;

/// Whether this process was started to ignore a signal, as `nohup` and a shell's background do. It stays ignored: programs
/// that we run inherit that, and a handler of ours would take it from them.
#[cfg(unix)]
pub(super) fn is_ignored(signal: i32) -> bool {
    // Read once, before the first handler is set.
    static IGNORED: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    let ignored = *IGNORED.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    });
    u32::try_from(signal - 1).is_ok_and(|bit| ignored.checked_shr(bit).unwrap_or(0) & 1 == 1)
}

#[cfg(unix)]
mod held {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Arc, OnceLock};

    use signal_hook::SigId;
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    use super::is_ignored;
    use crate::ports::Held;

    /// The signals that are held back.
    const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

    /// Notes the last signal that came. When it is dropped, the next one ends the process again.
    pub(super) struct Noted {
        caught: Arc<AtomicUsize>,
        registrations: Vec<SigId>,
    }

    /// How many hold signals back: the last one that lets go makes them deadly again.
    static HOLDERS: AtomicUsize = AtomicUsize::new(0);

    /// Whether signals end the process. A handler of signal-hook stays for good and does nothing by itself, so the default
    /// action is registered with it, on this condition.
    fn deadly() -> &'static AtomicBool {
        static DEADLY: OnceLock<Arc<AtomicBool>> = OnceLock::new();
        DEADLY.get_or_init(|| {
            let deadly = Arc::new(AtomicBool::new(true));
            for signal in SIGNALS.into_iter().filter(|&signal| !is_ignored(signal)) {
                let _ = signal_hook::flag::register_conditional_default(signal, Arc::clone(&deadly));
            }
            deadly
        })
    }

    impl Noted {
        pub(super) fn new() -> Self {
            let caught = Arc::new(AtomicUsize::new(0));
            let register = |signal: i32| {
                let number = usize::try_from(signal).ok()?;
                signal_hook::flag::register_usize(signal, Arc::clone(&caught), number).ok()
            };
            let wanted = SIGNALS.into_iter().filter(|&signal| !is_ignored(signal));
            let registrations = wanted.filter_map(register).collect();
            HOLDERS.fetch_add(1, Ordering::SeqCst);
            deadly().store(false, Ordering::SeqCst);
            Self { caught, registrations }
        }
    }

    impl Held for Noted {
        fn caught(&self) -> Option<i32> {
            i32::try_from(self.caught.load(Ordering::SeqCst)).ok().filter(|&signal| signal != 0)
        }
    }

    impl Drop for Noted {
        fn drop(&mut self) {
            if HOLDERS.fetch_sub(1, Ordering::SeqCst) == 1 {
                deadly().store(true, Ordering::SeqCst);
            }
            for &registration in &self.registrations {
                signal_hook::low_level::unregister(registration);
            }
        }
    }
}

impl Signals for ProcessSignals {
    #[cfg(unix)]
    fn hold(&self) -> Box<dyn Held> {
        Box::new(held::Noted::new())
    }

    /// On Windows Ctrl-C ends the process at once; what is half written there is a temporary file.
    #[cfg(not(unix))]
    fn hold(&self) -> Box<dyn Held> {
        struct Nothing;
        impl Held for Nothing {
            fn caught(&self) -> Option<i32> {
                None
            }
        }
        Box::new(Nothing)
    }
}
