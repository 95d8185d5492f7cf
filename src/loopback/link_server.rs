//! Serves a one-time link when the browser does not return to authctl afterwards.

use url::Url;

use crate::loopback::connections::{Connections, Incoming};
use crate::loopback::error::LoopbackError;
use crate::loopback::listener::Listener;
use crate::loopback::one_time_link::OneTimeLink;
use crate::loopback::page;
use crate::loopback::redirect_uri::RedirectUri;
use crate::loopback::user_check::UserCheck;
use crate::ports::{Random, System};

/// Serves only a link, because the browser does not return.
pub struct LinkServer {
    listener: Listener,
    link: OneTimeLink,
    connections: Connections,
}

impl LinkServer {
    /// Listens on any free port.
    pub fn start(target: &Url, random: &dyn Random) -> Result<Self, LoopbackError> {
        let listener = Listener::bind(&RedirectUri::default())?;
        let link = listener.link_to(target, random);
        Ok(Self { listener, link, connections: Connections::default() })
    }

    pub fn link(&self) -> &OneTimeLink {
        &self.link
    }

    /// Answers the waiting requests without blocking. Reports other users to `on_other_user`.
    pub fn serve(&mut self, system: &System, on_other_user: &dyn Fn(u32)) -> Result<(), LoopbackError> {
        let users = UserCheck { peers: &*system.peers, on_other_user };
        let now = system.clock.elapsed();
        // A flood of requests must not block the caller.
        for _ in 0..64 {
            let Some(incoming) = self.connections.next(&self.listener.sockets, now) else { break };
            let other = self.link.answer(incoming, &users, &mut self.connections, now)?;
            if let Some(Incoming { stream, request }) = other {
                let status = request.map_or_else(|status| status, |_| 404);
                self.connections.close_with(stream, page::refusal(status), now);
            }
        }
        Ok(())
    }
}
