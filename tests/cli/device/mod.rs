//! `authctl login --device` (RFC 8628).

mod login;
mod polling;

use std::sync::Arc;
use std::time::Duration;

use crate::support::Sandbox;
use crate::support::browsers::Absent;
use crate::support::sandbox::Timed;
use crate::support::shared::Shared;

/// A home where waiting takes no time, and the times of its requests.
fn home(config: &str) -> (Sandbox, Arc<Timed>) {
    let mut sandbox = Sandbox::new(config);
    sandbox.clock.skip_waits();
    sandbox.system.browser = Arc::new(Absent::default());
    let timed = Arc::new(Timed {
        inner: sandbox.system.http.clone(),
        clock: sandbox.clock.clone(),
        sent: Shared::default(),
    });
    sandbox.system.http = timed.clone();
    (sandbox, timed)
}

/// The pauses before the token requests, in seconds, counted from the codes' arrival.
fn pauses(timed: &Timed) -> Vec<u64> {
    let sent = timed.sent.lock();
    let start = sent.iter().find(|(path, _)| path == "/device").unwrap().1;
    let polls = sent.iter().filter(|(path, _)| path == "/token").map(|(_, at)| *at);
    let mut before = start;
    polls
        .map(|at| {
            let pause = at - before;
            before = at;
            (pause + Duration::from_millis(500)).as_secs()
        })
        .collect()
}
