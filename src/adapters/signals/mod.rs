//! Holds back signals such as Ctrl-C.

#[cfg(unix)]
pub(crate) mod ignored;
#[cfg(unix)]
mod noted;

use crate::ports::{Held, Signals};

pub struct ProcessSignals;

impl Signals for ProcessSignals {
    #[cfg(unix)]
    fn hold(&self) -> Box<dyn Held> {
        Box::new(noted::Noted::new())
    }

    /// On Windows Ctrl-C ends the process at once; a half-written file is only a temporary one there.
    #[cfg(not(unix))]
    fn hold(&self) -> Box<dyn Held> {
        Box::new(crate::ports::Unheld)
    }
}
