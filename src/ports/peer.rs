//! Which user is at the other end of a connection on the loopback interface.

use std::net::SocketAddr;

/// The user whose process holds the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// The user who runs authctl.
    Own,
    /// root, who can read everything anyway. A forwarding `sshd` may run as root as well.
    Root,
    /// Another user, by number.
    Other(u32),
    /// The system does not say: it is not Linux, the other end is not on this machine, or nobody holds it any more.
    Unknown,
}

/// Tells users apart by their connections.
pub trait Peers: Send + Sync {
    /// The user at `other`, who is connected to `here`.
    fn user(&self, other: SocketAddr, here: SocketAddr) -> Peer;
}
