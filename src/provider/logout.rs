//! The results of a logout at the server.

use super::error::ProviderError;

/// How far a logout in the browser has progressed, as far as authctl knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedSession {
    /// The URL was printed for the user to open.
    Printed,
    /// The browser was sent to the server.
    Asked,
    /// The browser has returned.
    Returned,
}

/// The result of revoking a token.
#[derive(Debug)]
pub enum Revocation {
    Revoked,
    /// The server does not support revocation.
    NotOffered,
    /// The token is still valid.
    Failed(ProviderError),
}
