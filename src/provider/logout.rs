//! How a logout at the server ended.

use super::error::ProviderError;

/// How far a logout in the browser is known to have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedSession {
    /// The URL was printed for the user to open.
    Printed,
    /// The browser was sent to the server.
    Asked,
    /// It came back from there.
    Returned,
}

/// What became of a token that was to be revoked.
#[derive(Debug)]
pub enum Revocation {
    /// The server revoked it.
    Revoked,
    /// There is nothing to revoke it with.
    NotOffered,
    /// It is still valid.
    Failed(ProviderError),
}
