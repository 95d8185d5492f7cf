//! Tells the time, and waits.

use std::time::Duration;

use jiff::Timestamp;

/// Tells the time, and lets it pass.
pub trait Clock: Send + Sync {
    /// The wall clock.
    fn now(&self) -> Timestamp;
    /// A clock that only goes forward.
    fn elapsed(&self) -> Duration;
    /// Lets time pass.
    fn sleep(&self, duration: Duration);
}
