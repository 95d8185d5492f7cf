//! Waits for the redirect: from the browser, or as an address that the user pastes.

use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use crate::loopback::connections::{Connections, Incoming};
use crate::loopback::error::LoopbackError;
use crate::loopback::language::Language;
use crate::loopback::listener::Listener;
use crate::loopback::one_time_link::OneTimeLink;
use crate::loopback::page::{self, Page};
use crate::loopback::user_check::{RequestUser, UserCheck};
use crate::oauth::redirect::{AuthorizationError, Expectation, RedirectVerdict};
use crate::ports::peer::Peers;
use crate::ports::{Clock, Held};
use crate::secret::SecretText;

/// How often signals, typed lines and new connections are checked.
const POLL: Duration = Duration::from_millis(10);

pub struct Wait<'a> {
    /// The time limit.
    pub limit: Duration,
    pub clock: &'a dyn Clock,
    pub held: &'a dyn Held,
    /// Lines that the user types or pastes.
    pub pasted: Option<Receiver<SecretText>>,
    /// Called when a pasted line is not the redirect.
    pub on_wrong_paste: &'a dyn Fn(),
    /// The link that redirects the browser to the server.
    pub link: OneTimeLink,
    /// Identifies the user behind a connection.
    pub peers: &'a dyn Peers,
    /// Called with the ID of another user whose request was rejected.
    pub on_other_user: &'a dyn Fn(u32),
}

/// The redirect's content, and the browser connection that waits for the result.
pub struct Answer<T> {
    /// The redirect's result, such as the code, or the server's error.
    pub outcome: Result<T, AuthorizationError>,
    pub page: Page,
    /// The number of other requests that came first.
    pub ignored: usize,
}

impl Listener {
    /// Waits for the one request that is the redirect. All other requests are rejected and counted. The sockets are
    /// closed on return.
    pub fn wait<E: Expectation>(
        self,
        expected: &E,
        mut wait: Wait<'_>,
    ) -> Result<Answer<E::Answer>, LoopbackError> {
        let start = wait.clock.elapsed();
        let mut connections = Connections::default();
        let mut ignored = 0;
        loop {
            if let Some(signal) = wait.held.caught() {
                return Err(LoopbackError::Interrupted(signal));
            }
            let now = wait.clock.elapsed();
            if now.saturating_sub(start) >= wait.limit {
                return Err(LoopbackError::TimedOut { waited: wait.limit, ignored });
            }
            if let Some(answer) = read_pasted(expected, &mut wait, ignored) {
                return Ok(answer);
            }
            let Some(incoming) = connections.next(&self.sockets, now) else {
                pause();
                continue;
            };
            let users = UserCheck { peers: wait.peers, on_other_user: wait.on_other_user };
            let Some(Incoming { stream, request }) =
                wait.link.answer(incoming, &users, &mut connections, now)?
            else {
                continue;
            };
            let language = request.as_ref().map_or_else(|_| Language::english(), |request| request.language);
            let verdict =
                request.map_or_else(RedirectVerdict::Ignored, |request| expected.check(&request.redirect));
            // Another user may know what a valid redirect looks like (F-CB20).
            let is_other_user =
                || matches!(users.of(&stream), RequestUser::Other(_) | RequestUser::Disconnected);
            let refusal = match verdict {
                RedirectVerdict::Ignored(status) => page::refusal(status),
                _ if is_other_user() => page::not_the_user(),
                RedirectVerdict::Refused(error) => {
                    return Ok(Answer { outcome: Err(error), page: Page::new(stream, language), ignored });
                }
                RedirectVerdict::Answer(answer) => {
                    return Ok(Answer { outcome: Ok(answer), page: Page::new(stream, language), ignored });
                }
            };
            ignored += 1;
            connections.close_with(stream, refusal, now);
        }
    }
}

/// Pauses between two checks of the sockets.
#[expect(
    clippy::disallowed_methods,
    reason = "sockets need real time, which a test's clock does not provide"
)]
fn pause() {
    std::thread::sleep(POLL);
}

fn read_pasted<E: Expectation>(
    expected: &E,
    wait: &mut Wait<'_>,
    ignored: usize,
) -> Option<Answer<E::Answer>> {
    let line = match wait.pasted.as_ref()?.try_recv() {
        Ok(line) => line,
        Err(TryRecvError::Empty) => return None,
        Err(TryRecvError::Disconnected) => {
            wait.pasted = None;
            return None;
        }
    };
    if line.expose().trim().is_empty() {
        return None;
    }
    let outcome = match expected.check_pasted(line.expose()) {
        RedirectVerdict::Ignored(_) => {
            (wait.on_wrong_paste)();
            return None;
        }
        RedirectVerdict::Refused(error) => Err(error),
        RedirectVerdict::Answer(answer) => Ok(answer),
    };
    Some(Answer { outcome, page: Page::nobody(), ignored })
}
