//! The system's clocks.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::ports::Clock;

/// The wall clock, and a monotonic clock.
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Starts the monotonic clock.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}
