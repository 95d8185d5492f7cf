//! A clock that tests move.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use authctl::adapters;
use authctl::ports::{Clock, HttpClient, HttpError, HttpRequest, HttpResponse};
use jiff::{SignedDuration, Timestamp};

use super::super::shared::Shared;

/// The real clock with an offset; a story can make waits return at once and advance the clock instead.
pub struct MovableClock {
    pub(super) real: adapters::clock::SystemClock,
    pub(super) offset: Shared<i64>,
    pub(super) skipped: Shared<Option<Duration>>,
    pub(super) jump: Shared<Option<(Arc<AtomicBool>, Duration)>>,
}

impl MovableClock {
    pub fn advance(&self, seconds: i64) {
        self.offset.set(self.offset.get() + seconds);
    }

    /// The clock advances by this many seconds as soon as the condition holds.
    pub fn advance_when(&self, happened: Arc<AtomicBool>, seconds: u64) {
        *self.jump.lock() = Some((happened, Duration::from_secs(seconds)));
    }

    /// From now on, waits return at once.
    pub fn skip_waits(&self) {
        self.skipped.set(Some(Duration::ZERO));
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        self.real.now()
            + SignedDuration::from_secs(self.offset.get())
            + SignedDuration::try_from(self.skipped.get().unwrap_or_default()).unwrap()
    }

    fn elapsed(&self) -> Duration {
        let jump = self.jump.lock();
        let jump = jump.as_ref().filter(|(happened, _)| happened.load(Ordering::SeqCst));
        self.real.elapsed()
            + self.skipped.get().unwrap_or_default()
            + jump.map_or(Duration::ZERO, |(_, length)| *length)
    }

    fn sleep(&self, duration: Duration) {
        match self.skipped.get() {
            Some(skipped) => self.skipped.set(Some(skipped + duration)),
            None => self.real.sleep(duration),
        }
    }
}

/// Records when each request was sent, by the story's clock.
pub struct Timed {
    pub inner: Arc<dyn HttpClient>,
    pub clock: Arc<MovableClock>,
    pub sent: Shared<Vec<(String, Duration)>>,
}

impl HttpClient for Timed {
    fn send(&self, request: &HttpRequest) -> Result<HttpResponse, HttpError> {
        self.sent.lock().push((request.url.path().to_owned(), self.clock.elapsed()));
        self.inner.send(request)
    }
}
