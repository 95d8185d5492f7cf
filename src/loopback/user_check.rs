//! Identifies the user who sent a request to the listener (F-CB20).

use std::net::TcpStream;

use crate::ports::peer::{Peer, Peers};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestUser {
    /// The user who runs authctl, or root.
    Trusted,
    /// Another user.
    Other(u32),
    /// The system does not report the user.
    Unknown,
    /// The client has disconnected, so its user can no longer be identified.
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
            // If the client is still connected, it was connected when the system was asked. A client that has
            // disconnected may belong to another user and must not count as unknown.
            Peer::Unknown if is_connected(stream) => Self::Unknown,
            Peer::Unknown => Self::Disconnected,
        }
    }
}

/// Whether the client is connected and silent, like a browser that waits for its response.
fn is_connected(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).is_ok()
        && stream.peek(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

pub(super) struct UserCheck<'a> {
    pub(super) peers: &'a dyn Peers,
    /// Called when authctl rejects a request because another user sent it.
    pub(super) on_other_user: &'a dyn Fn(u32),
}

impl UserCheck<'_> {
    pub(super) fn of(&self, stream: &TcpStream) -> RequestUser {
        let user = RequestUser::of(stream, self.peers);
        if let RequestUser::Other(number) = user {
            (self.on_other_user)(number);
        }
        user
    }
}
