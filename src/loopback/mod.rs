//! The one-shot listener for the redirect (RFC 8252 section 7.3). It starts no thread.

pub(crate) mod connections;
mod language;
mod one_time_link;
mod page;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use url::Url;

use self::connections::{Connections, Incoming};
use self::language::Language;
pub use self::one_time_link::{LinkServer, OneTimeLink};
use self::one_time_link::{Surroundings, Visitor};
pub use self::page::{Outcome, Page};
use crate::advice::{Advise, Status};
use crate::oauth::redirect::AuthorizationError;
use crate::oauth::redirect::{Expectation, Verdict};
use crate::ports::peer::Peers;
use crate::ports::{Clock, Held, Random};
use crate::secret::SecretText;

/// How often signals, typed lines and new connections are looked for.
const POLL: Duration = Duration::from_millis(10);

/// The redirect URI as it is configured: `http`, a loopback host, a port or none for any free one, and a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri {
    host: String,
    port: u16,
    path: String,
}

impl RedirectUri {
    /// The port, where it is not free to choose.
    #[must_use]
    pub fn fixed_port(&self) -> Option<u16> {
        (self.port != 0).then_some(self.port)
    }
}

impl std::fmt::Display for RedirectUri {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.fixed_port() {
            Some(port) => write!(formatter, "http://{}:{port}{}", self.host, self.path),
            None => write!(formatter, "http://{}{}", self.host, self.path),
        }
    }
}

impl Default for RedirectUri {
    /// `http://127.0.0.1:{any free port}/callback`: "clients SHOULD … use the loopback IP literal" (RFC 8252 section 8.3).
    fn default() -> Self {
        Self { host: "127.0.0.1".to_owned(), port: 0, path: "/callback".to_owned() }
    }
}

/// A redirect URI that this program cannot listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be an http URL on 127.0.0.1, [::1] or localhost, with a port or none for any free one, and no query"
)]
pub struct InvalidRedirectUri;

impl std::str::FromStr for RedirectUri {
    type Err = InvalidRedirectUri;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = crate::oauth::endpoint::EndpointUrl::configured(text).map_err(|_| InvalidRedirectUri)?;
        let url = url.url();
        let host = url.host_str().unwrap_or_default();
        if url.scheme() != "http"
            || !matches!(host, "127.0.0.1" | "[::1]" | "localhost")
            || url.query().is_some()
        {
            return Err(InvalidRedirectUri);
        }
        // A URL leaves out the scheme's own port; who writes 80 means it.
        let written = |port: &str| text.contains(&format!("{port}/")) || text.ends_with(port);
        let port = url.port().unwrap_or_else(|| if written(":80") { 80 } else { 0 });
        Ok(Self { host: host.to_owned(), port, path: url.path().to_owned() })
    }
}

/// Why there was no redirect.
#[derive(Debug, thiserror::Error)]
pub enum LoopbackError {
    /// The port is taken, or there is no loopback interface. No browser was opened (F-CB14).
    #[error("cannot listen on {address} for the redirect: {source}")]
    Bind {
        /// The address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// Nobody came in time.
    #[error("no redirect came within {}", crate::text::humanize::exact(*waited))]
    TimedOut {
        /// How long it was waited for.
        waited: Duration,
        /// How many requests came that were not the redirect.
        ignored: usize,
    },
    /// The one-time link was opened twice on a system that does not say by which user (F-CB20).
    #[error(
        "the one-time link that authctl gave to the browser was opened twice, and this system does not say which user opened it"
    )]
    OpenedTwice,
    /// Ctrl-C, or a signal like it.
    #[error("interrupted")]
    Interrupted(i32),
}

impl Advise for LoopbackError {
    fn status(&self) -> Status {
        match self {
            Self::Interrupted(signal) => Status::Interrupted(*signal),
            Self::Bind { .. } | Self::TimedOut { .. } | Self::OpenedTwice => Status::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Bind { .. } => "close the program that holds the port, or set another port in redirect_uri",
            Self::TimedOut { .. } => {
                "run the command again; --timeout gives you longer, --no-browser only prints the URL"
            }
            Self::OpenedTwice => {
                "run the command again with `--no-browser` and open the URL that it prints; if you did not reload the page, another user of this machine may have opened the link"
            }
            Self::Interrupted(_) => return None,
        };
        Some(hint.to_owned())
    }
}

/// A listener on a loopback address. It is used up by one wait.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<TcpListener>,
    redirect_uri: Url,
}

/// What ends a wait.
pub struct Wait<'a> {
    /// After this long, nobody will come any more.
    pub limit: Duration,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Ctrl-C and its like.
    pub held: &'a dyn Held,
    /// Lines that the user types or pastes.
    pub pasted: Option<Receiver<SecretText>>,
    /// Told when a pasted line was not the redirect.
    pub on_wrong_paste: &'a dyn Fn(),
    /// What sends the browser on to the server.
    pub link: OneTimeLink,
    /// Tells the user's own connections from those of others.
    pub peers: &'a dyn Peers,
    /// Told the other user whose browser was turned away.
    pub on_stranger: &'a dyn Fn(u32),
}

/// The answer to a request that was made through the browser, which waits to hear how it ends.
pub struct Answer<T> {
    /// What it brings, such as the code, or the server's refusal.
    pub outcome: Result<T, AuthorizationError>,
    /// The browser.
    pub page: Page,
    /// How many requests came before that were not the redirect.
    pub ignored: usize,
}

impl Listener {
    /// Listens on the loopback interface alone (RFC 8252 section 8.3). For `localhost` in both families, for the browser
    /// may take either (F-CB15); for 127.0.0.1 on `::1` where there is no IPv4 and the port is free to choose.
    ///
    /// # Errors
    /// [`LoopbackError::Bind`].
    pub fn bind(uri: &RedirectUri) -> Result<Self, LoopbackError> {
        let v4 = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let v6 = IpAddr::V6(Ipv6Addr::LOCALHOST);
        let (sockets, host) = match uri.host.as_str() {
            "localhost" => (bind_both(v4, v6, uri.port)?, "localhost"),
            "[::1]" => (vec![listen(v6, uri.port)?], "[::1]"),
            _ => match listen(v4, uri.port) {
                Err(LoopbackError::Bind { source, .. })
                    if uri.port == 0 && source.kind() == io::ErrorKind::AddrNotAvailable =>
                {
                    (vec![listen(v6, 0)?], "[::1]")
                }
                socket => (vec![socket?], "127.0.0.1"),
            },
        };
        let port = sockets[0].local_addr().map_err(|source| bind_error(v4, uri.port, source))?.port();
        let text = format!("http://{host}:{port}{}", uri.path);
        let invalid = || bind_error(v4, port, io::Error::from(io::ErrorKind::InvalidInput));
        let redirect_uri = Url::parse(&text).map_err(|_| invalid())?;
        Ok(Self { sockets, redirect_uri })
    }

    /// The redirect URI to send.
    #[must_use]
    pub fn redirect_uri(&self) -> &Url {
        &self.redirect_uri
    }

    /// A link on this listener that sends the browser on to a URL.
    #[must_use]
    pub fn link_to(&self, target: &Url, random: &dyn Random) -> OneTimeLink {
        OneTimeLink::new(&self.redirect_uri, target, random)
    }

    /// Waits for the one request that answers what the browser was sent out with. All others are sent away and counted; the
    /// sockets are closed when it returns.
    ///
    /// # Errors
    /// [`LoopbackError::TimedOut`], [`LoopbackError::OpenedTwice`] and [`LoopbackError::Interrupted`].
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
            let surroundings = Surroundings { peers: wait.peers, on_stranger: wait.on_stranger };
            let Some(Incoming { stream, request }) =
                wait.link.answer(incoming, &surroundings, &mut connections, now)?
            else {
                continue;
            };
            let language = request.as_ref().map_or_else(|_| Language::english(), |request| request.language);
            let verdict = request.map_or_else(Verdict::Ignored, |request| expected.check(&request.redirect));
            // Another user may know what the answer must look like (F-CB20).
            let is_another = || matches!(surroundings.visitor(&stream), Visitor::Stranger(_) | Visitor::Gone);
            let refusal = match verdict {
                Verdict::Ignored(status) => page::refusal(status),
                _ if is_another() => page::not_the_user(),
                Verdict::Refused(error) => {
                    return Ok(Answer { outcome: Err(error), page: Page::new(stream, language), ignored });
                }
                Verdict::Answer(answer) => {
                    return Ok(Answer { outcome: Ok(answer), page: Page::new(stream, language), ignored });
                }
            };
            ignored += 1;
            connections.close_with(stream, refusal, now);
        }
    }
}

/// Lets a moment pass between two looks at the sockets.
#[expect(
    clippy::disallowed_methods,
    reason = "sockets are waited for, and a test's clock does not move them"
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
        Verdict::Ignored(_) => {
            (wait.on_wrong_paste)();
            return None;
        }
        Verdict::Refused(error) => Err(error),
        Verdict::Answer(answer) => Ok(answer),
    };
    Some(Answer { outcome, page: Page::nobody(), ignored })
}

fn bind_error(address: IpAddr, port: u16, source: io::Error) -> LoopbackError {
    LoopbackError::Bind { address: SocketAddr::new(address, port).to_string(), source }
}

/// Listens without `SO_REUSEADDR` tricks: a port that somebody holds is not shared with them (F-CB14).
fn listen(address: IpAddr, port: u16) -> Result<TcpListener, LoopbackError> {
    let failed = |source| bind_error(address, port, source);
    let listener = TcpListener::bind((address, port)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

/// Listens on one port in both families. A machine without IPv6 has nobody on `::1` either.
fn bind_both(v4: IpAddr, v6: IpAddr, port: u16) -> Result<Vec<TcpListener>, LoopbackError> {
    for _ in 0..16 {
        let first = listen(v4, port)?;
        let chosen = first.local_addr().map_err(|source| bind_error(v4, port, source))?.port();
        match listen(v6, chosen) {
            Ok(second) => return Ok(vec![first, second]),
            Err(LoopbackError::Bind { source, .. })
                if matches!(source.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported) =>
            {
                return Ok(vec![first]);
            }
            Err(error) if port != 0 => return Err(error),
            Err(_) => {}
        }
    }
    Err(bind_error(v6, port, io::Error::from(io::ErrorKind::AddrInUse)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris() {
        for (text, want) in [
            ("http://127.0.0.1/callback", Some(("127.0.0.1", 0, "/callback"))),
            ("http://localhost:8400/", Some(("localhost", 8400, "/"))),
            ("http://localhost", Some(("localhost", 0, "/"))),
            ("http://[::1]:1/x", Some(("[::1]", 1, "/x"))),
            ("http://localhost:80/x", Some(("localhost", 80, "/x"))),
            ("https://127.0.0.1/callback", None),
            ("http://127.0.0.2/callback", None),
            ("http://0.0.0.0/callback", None),
            ("http://example.com/callback", None),
            ("http://127.0.0.1/callback?x=1", None),
            ("myapp://callback", None),
        ] {
            let uri = text.parse::<RedirectUri>().ok();
            assert_eq!(
                uri.as_ref().map(|uri| (uri.host.as_str(), uri.port, uri.path.as_str())),
                want,
                "{text}"
            );
        }
    }

    #[test]
    fn the_listener_binds_loopback_only_f_cb1() {
        for uri in ["http://127.0.0.1/callback", "http://localhost/callback"] {
            let listener = Listener::bind(&uri.parse().unwrap()).unwrap();
            for socket in &listener.sockets {
                assert!(socket.local_addr().unwrap().ip().is_loopback(), "{uri}");
                assert_eq!(Some(socket.local_addr().unwrap().port()), listener.redirect_uri.port());
            }
        }
    }

    #[test]
    fn a_port_that_is_taken_is_an_error_f_cb14() {
        let first = Listener::bind(&RedirectUri::default()).unwrap();
        let again = format!("http://127.0.0.1:{}/callback", first.redirect_uri.port().unwrap());
        assert!(matches!(Listener::bind(&again.parse().unwrap()), Err(LoopbackError::Bind { .. })));
    }
}
