//! How often to poll a token endpoint for the user's consent (RFC 8628 section 3.5, CIBA Core section 7.3).

use std::time::Duration;

/// RFC 8628 section 3.2: "If no value is provided, clients MUST use 5 as the default."
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);
/// RFC 8628 section 3.5: the interval "MUST be increased by 5 seconds for this and all subsequent requests".
const SLOW_DOWN: Duration = Duration::from_secs(5);
/// The longest pause, so that a server that was unreachable is polled again before the user gives up.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);
/// The shortest pause, for a server that asks for none or an absurd one.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// How long before the codes expire the last poll is sent.
const BEFORE_THE_END: Duration = Duration::from_secs(1);

/// The next step of the polling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Poll again after this pause.
    Ask(Duration),
    /// Wait this long, then give up.
    End(Duration),
}

/// The pace of one wait, in times of a monotonic clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Polling {
    interval: Duration,
    pause: Duration,
    end: Duration,
}

impl Polling {
    /// Polls at the server's interval until its codes expire.
    pub fn new(interval: Option<Duration>, lifetime: Duration, now: Duration) -> Self {
        let interval = interval.unwrap_or(DEFAULT_INTERVAL).clamp(SHORTEST_INTERVAL, LONGEST_PAUSE);
        Self { interval, pause: interval, end: now.saturating_add(lifetime) }
    }

    /// The next step. When the next regular poll would come after the codes expire (RFC 8628 section 3.2), a last one
    /// is sent just before that, if the server's interval allows it.
    pub fn next(&self, now: Duration) -> Next {
        let left = self.end.saturating_sub(now);
        if self.pause < left {
            Next::Ask(self.pause)
        } else if self.interval < left {
            Next::Ask(left.saturating_sub(BEFORE_THE_END).max(self.interval))
        } else {
            Next::End(left)
        }
    }

    /// The server answered "not yet": the pace does not change.
    pub fn pending(&mut self) {
        self.pause = self.interval;
    }

    /// The server asked to slow down for this and all later requests; GitHub names the new interval itself (RFC 8628
    /// section 3.5).
    pub fn slow_down(&mut self, named: Option<Duration>) {
        self.interval = (self.interval + SLOW_DOWN).max(named.unwrap_or_default()).min(LONGEST_PAUSE);
        self.pause = self.interval;
    }

    /// The server did not answer: "clients MUST unilaterally reduce their polling frequency", so the pause doubles
    /// until a response arrives (RFC 8628 section 3.5).
    pub fn unanswered(&mut self, asked: Option<Duration>) {
        self.pause = (self.pause * 2).max(asked.unwrap_or_default()).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn polling_follows_the_interval_and_slow_down() {
        let mut pace = Polling::new(None, seconds(900), seconds(100));
        let now = seconds(100);
        assert_eq!(pace.next(now), Next::Ask(seconds(5)), "the default");
        pace.pending();
        assert_eq!(pace.next(now), Next::Ask(seconds(5)));
        pace.slow_down(None);
        pace.slow_down(None);
        assert_eq!(pace.next(now), Next::Ask(seconds(15)), "cumulative");
        pace.slow_down(Some(seconds(30)));
        assert_eq!(pace.next(now), Next::Ask(seconds(30)), "the larger");
        pace.unanswered(None);
        pace.unanswered(None);
        assert_eq!(pace.next(now), Next::Ask(seconds(120)), "doubled");
        pace.pending();
        assert_eq!(pace.next(now), Next::Ask(seconds(30)), "until an answer comes");
        assert_eq!(pace.next(seconds(969)), Next::Ask(seconds(30)));
        pace.unanswered(None);
        assert_eq!(pace.next(seconds(965)), Next::Ask(seconds(34)), "a last time");
        pace.pending();
        assert_eq!(pace.next(seconds(970)), Next::End(seconds(30)), "D8");
        assert_eq!(Polling::new(Some(seconds(0)), seconds(9), now).next(now), Next::Ask(seconds(1)));
    }
}
