//! A link on the loopback interface that sends the browser on to a URL.
//!
//! Every user of the machine can read a browser's arguments, and a login's URL is enough to complete the login as somebody
//! else. authctl therefore gives the browser this link, which redirects to the URL (F-LEAK11, F-CB20).

use std::net::TcpStream;
use std::time::Duration;

use subtle::ConstantTimeEq as _;
use url::Url;

use super::connections::{Connections, Incoming, Request};
use super::{Listener, LoopbackError, RedirectUri, page};
use crate::oauth::pkce::random_text;
use crate::oauth::redirect::refused_as_navigation;
use crate::ports::peer::{Peer, Peers};
use crate::ports::{Random, System};
use crate::secret::SecretText;

/// The link. Its path cannot be guessed. Another user can read it in the browser's arguments, but the kernel reports whose
/// connection a request uses. If the system cannot tell, the link works once.
pub struct OneTimeLink {
    url: Url,
    target: SecretText,
    opened: bool,
    by_unknown: bool,
}

/// How a listener answers a request for the link.
#[derive(Debug, PartialEq, Eq)]
enum Reply {
    /// The request is for something else.
    NotTheLink,
    /// The redirect.
    Redirect,
    /// This status.
    Refuse(u16),
    /// The end: the link was opened twice, and the system does not say by which user.
    OpenedTwice,
}

/// Who sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Visitor {
    /// The user, or root.
    Trusted,
    /// Another user.
    Stranger(u32),
    /// The system does not say.
    Unknown,
    /// The client has disconnected, so its user cannot be identified any more.
    Gone,
}

impl Visitor {
    fn of(stream: &TcpStream, peers: &dyn Peers) -> Self {
        let (Ok(other), Ok(here)) = (stream.peer_addr(), stream.local_addr()) else { return Self::Gone };
        match peers.user(other, here) {
            Peer::Own | Peer::Root => Self::Trusted,
            Peer::Other(user) => Self::Stranger(user),
            // A client that is still connected was connected when the system was asked. One that has left may have been another
            // user, who must not count as unknown.
            Peer::Unknown if is_connected(stream) => Self::Unknown,
            Peer::Unknown => Self::Gone,
        }
    }
}

/// Whether the client is connected and silent, like a browser that waits for its answer.
fn is_connected(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).is_ok()
        && stream.peek(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

/// How a listener identifies the users of its connections.
pub(super) struct Surroundings<'a> {
    pub(super) peers: &'a dyn Peers,
    /// Told when another user sends a request that would otherwise have been answered.
    pub(super) on_stranger: &'a dyn Fn(u32),
}

impl Surroundings<'_> {
    /// The user who sent the request on this connection.
    pub(super) fn visitor(&self, stream: &TcpStream) -> Visitor {
        let visitor = Visitor::of(stream, self.peers);
        if let Visitor::Stranger(user) = visitor {
            (self.on_stranger)(user);
        }
        visitor
    }
}

impl OneTimeLink {
    pub(super) fn new(base: &Url, target: &Url, random: &dyn Random) -> Self {
        let mut url = base.clone();
        url.set_path(&random_text(random));
        url.set_query(None);
        Self { url, target: SecretText::new(target.as_str()), opened: false, by_unknown: false }
    }

    /// What the browser is given.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether it was opened by a user that the system does not name.
    #[must_use]
    pub fn was_opened_by_unknown(&self) -> bool {
        self.by_unknown
    }

    /// Whether it was opened.
    #[must_use]
    pub fn was_opened(&self) -> bool {
        self.opened
    }

    /// Answers a request that is for the link, and gives back any other.
    ///
    /// # Errors
    /// [`LoopbackError::OpenedTwice`].
    pub(super) fn answer(
        &mut self,
        incoming: Incoming,
        surroundings: &Surroundings<'_>,
        connections: &mut Connections,
        now: Duration,
    ) -> Result<Option<Incoming>, LoopbackError> {
        let Incoming { stream, request: Ok(request) } = &incoming else { return Ok(Some(incoming)) };
        let answer = match self.reply(request, || surroundings.visitor(stream)) {
            Reply::NotTheLink => return Ok(Some(incoming)),
            Reply::Redirect => page::redirect(self.target.expose()),
            Reply::Refuse(status) => page::refusal(status),
            Reply::OpenedTwice => {
                page::send(incoming.stream, &page::opened_twice());
                return Err(LoopbackError::OpenedTwice);
            }
        };
        connections.close_with(incoming.stream, answer, now);
        Ok(None)
    }

    fn reply(&mut self, request: &Request, visitor: impl FnOnce() -> Visitor) -> Reply {
        let target = request.redirect.target.as_bytes();
        if !bool::from(target.ct_eq(self.url.path().as_bytes())) {
            return Reply::NotTheLink;
        }
        if let Some(status) = refused_as_navigation(&request.redirect, &self.url) {
            return Reply::Refuse(status);
        }
        // A preload would use up the link.
        if request.is_prefetch {
            return Reply::Refuse(503);
        }
        match visitor() {
            Visitor::Stranger(_) | Visitor::Gone => return Reply::Refuse(403),
            Visitor::Unknown => self.by_unknown = true,
            Visitor::Trusted => {}
        }
        if self.opened && self.by_unknown {
            return Reply::OpenedTwice;
        }
        self.opened = true;
        Reply::Redirect
    }
}

/// Serves only a link, for a browser that does not return.
pub struct LinkServer {
    listener: Listener,
    link: OneTimeLink,
    connections: Connections,
}

impl LinkServer {
    /// Listens on any free port.
    ///
    /// # Errors
    /// [`LoopbackError::Bind`].
    pub fn start(target: &Url, random: &dyn Random) -> Result<Self, LoopbackError> {
        let listener = Listener::bind(&RedirectUri::default())?;
        let link = listener.link_to(target, random);
        Ok(Self { listener, link, connections: Connections::default() })
    }

    /// The link that is served.
    #[must_use]
    pub fn link(&self) -> &OneTimeLink {
        &self.link
    }

    /// Answers the requests that have come so far; never waits. Other users are reported to `on_stranger`.
    ///
    /// # Errors
    /// [`LoopbackError::OpenedTwice`].
    pub fn serve(&mut self, system: &System, on_stranger: &dyn Fn(u32)) -> Result<(), LoopbackError> {
        let surroundings = Surroundings { peers: &*system.peers, on_stranger };
        let now = system.clock.elapsed();
        // A flood must not keep the caller from its own work.
        for _ in 0..64 {
            let Some(incoming) = self.connections.next(&self.listener.sockets, now) else { break };
            let other = self.link.answer(incoming, &surroundings, &mut self.connections, now)?;
            if let Some(Incoming { stream, request }) = other {
                let status = request.map_or_else(|status| status, |_| 404);
                self.connections.close_with(stream, page::refusal(status), now);
            }
        }
        Ok(())
    }
}
