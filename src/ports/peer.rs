//! The user at the other end of a loopback connection.

use std::net::SocketAddr;

/// The user whose process has the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// The user who runs authctl.
    Own,
    /// root, who can read everything anyway. An `sshd` that forwards may run as root too.
    Root,
    /// Another user, by ID.
    Other(u32),
    /// Unknown: the system is not Linux, the other end is not on this machine, or it is closed already.
    Unknown,
}

/// Looks up the users of connections.
pub trait Peers: Send + Sync {
    /// The user at `other`, which is connected to `here`.
    fn user(&self, other: SocketAddr, here: SocketAddr) -> Peer;
}
