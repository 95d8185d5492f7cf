//! The network during the examination: each exchange is limited and recorded.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};

use crate::oauth::endpoint::authority;
use crate::ports::{Clock, HttpClient, HttpError, HttpRequest, HttpResponse, System};

/// What is recorded about an exchange, without its content.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub server: String,
    pub time: Duration,
    /// How far this machine's clock is ahead of the server's, if the response has a date.
    pub ahead: Option<SignedDuration>,
}

pub struct Watched {
    inner: Arc<dyn HttpClient>,
    clock: Arc<dyn Clock>,
    end: Duration,
    limit: Duration,
    answers: Mutex<Vec<Exchange>>,
}

impl Watched {
    /// Limits all exchanges to end before `end`, and each to last at most `limit`.
    pub fn new(system: &System, end: Duration, limit: Duration) -> Self {
        let (inner, clock) = (Arc::clone(&system.http), Arc::clone(&system.clock));
        Self { inner, clock, end, limit, answers: Mutex::default() }
    }

    pub fn answers(&self) -> Vec<Exchange> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl HttpClient for Watched {
    fn send(&self, request: &HttpRequest) -> Result<HttpResponse, HttpError> {
        let mut request = request.clone();
        let start = self.clock.elapsed();
        let left = self.end.saturating_sub(start).max(Duration::from_millis(1));
        request.transport.timeout = request.transport.timeout.min(self.limit).min(left);
        let response = self.inner.send(&request)?;
        let time = self.clock.elapsed().saturating_sub(start);
        let ahead = response.header("date").and_then(|date| ahead(date, self.clock.now()));
        let exchange = Exchange { server: authority(&request.url), time, ahead };
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
        Ok(response)
    }
}

/// The `Date` header is when the response was created, in whole seconds.
fn ahead(date: &str, now: Timestamp) -> Option<SignedDuration> {
    let told = rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
    Some(now.duration_since(told))
}
