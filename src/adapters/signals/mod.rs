//! Ctrl-C and its like.

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
