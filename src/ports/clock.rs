//! The time, and waiting.

use std::time::Duration;

use jiff::Timestamp;

pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
    /// A monotonic clock.
    fn elapsed(&self) -> Duration;
    fn sleep(&self, duration: Duration);
}
