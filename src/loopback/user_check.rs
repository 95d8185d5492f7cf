//! Which user sent a request to the listener (F-CB20).

use std::net::TcpStream;

use crate::ports::peer::{Peer, Peers};

/// The user who sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestUser {
    /// The user, or root.
    Trusted,
    /// Another user.
    Other(u32),
    /// The system does not say.
    Unknown,
    /// The client has disconnected, so its user cannot be identified any more.
    Disconnected,
}

impl RequestUser {
    fn of(stream: &TcpStream, peers: &dyn Peers) -> Self {
        let (Ok(other), Ok(here)) = (stream.peer_addr(), stream.local_addr()) else {
            return Self::Disconnected;
        };
        match peers.user(other, here) {
            Peer::Own | Peer::Root => Self::Trusted,
            Peer::Other(user) => Self::Other(user),
            // A client that is still connected was connected when the system was asked. One that has left may have been another
            // user, who must not count as unknown.
            Peer::Unknown if is_connected(stream) => Self::Unknown,
            Peer::Unknown => Self::Disconnected,
        }
    }
}

/// Whether the client is connected and silent, like a browser that waits for its answer.
fn is_connected(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).is_ok()
        && stream.peek(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

/// How a listener identifies the users of its connections.
pub(super) struct UserCheck<'a> {
    pub(super) peers: &'a dyn Peers,
    /// Called when another user sends a request that would otherwise have been answered.
    pub(super) on_other_user: &'a dyn Fn(u32),
}

impl UserCheck<'_> {
    /// The user who sent the request on this connection.
    pub(super) fn of(&self, stream: &TcpStream) -> RequestUser {
        let user = RequestUser::of(stream, self.peers);
        if let RequestUser::Other(number) = user {
            (self.on_other_user)(number);
        }
        user
    }
}
