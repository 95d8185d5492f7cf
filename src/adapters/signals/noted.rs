//! Signals that are noted instead of ending the process.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::adapters::signals::ignored::is_ignored;
use crate::ports::Held;

const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

/// Notes the last signal. When this is dropped, the next signal ends the process again.
pub(crate) struct Noted {
    caught: Arc<AtomicUsize>,
    registrations: Vec<SigId>,
}

/// How many callers hold signals back: when the last one lets go, signals end the process again.
static HOLDERS: AtomicUsize = AtomicUsize::new(0);

/// Whether signals end the process. A signal-hook handler stays registered forever and does nothing itself, so the
/// default action is registered with it, under this condition.
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
    pub(crate) fn new() -> Self {
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
