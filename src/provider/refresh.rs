//! A refresh in two steps, preparing and sending, and its possible outcomes.
//!
//! A server that rotates refresh tokens has invalidated the old one by the time its response arrives. One question
//! therefore decides what happens to the response: can the login still be lost?

use super::error::ProviderError;
use super::grant::Grant;
use crate::oauth::rotation::Carried;
use crate::secret::RefreshToken;
use crate::token::TokenSet;

/// A refresh that is ready to be sent. Everything that could fail before the refresh token leaves this machine is done.
pub trait PreparedRefresh {
    /// Sends the refresh token and classifies the response.
    fn send(&self) -> RefreshOutcome;

    /// Judges a response's tokens. The caller has saved their refresh token, because this may take time and use the
    /// network. Fails if the access token must not be used.
    fn judge(&self, tokens: TokenSet) -> Result<Grant, ProviderError>;
}

/// The result of a refresh, as far as authctl knows it.
#[derive(Debug)]
pub enum RefreshOutcome {
    /// Nothing was sent, so the server has changed nothing.
    NotSent(ProviderError),
    Tokens(TokenSet),
    /// The response carries a new refresh token, but not an access token that can be used.
    RefreshTokenOnly(RefreshToken, ProviderError),
    /// The server rejected the request with a well-formed error (RFC 6749 section 5.2).
    Refused(ProviderError),
    /// The server may have replaced the refresh token: the response was lost, cannot be read, says "later" or belongs
    /// to another user.
    Unknown(ProviderError),
}

impl RefreshOutcome {
    /// The outcome of a response that belongs to the login's user, from the parsed response and the refresh token that
    /// could be read in any case. A new refresh token counts before anything else (F-ROT10).
    pub fn of(
        read: Result<TokenSet, ProviderError>,
        carried: Option<Carried>,
        is_refusal: impl Fn(&ProviderError) -> bool,
    ) -> Self {
        match (read, carried) {
            (Ok(tokens), _) => Self::Tokens(tokens),
            (Err(problem), Some(carried)) => Self::RefreshTokenOnly(carried.refresh_token, problem),
            (Err(problem), None) if is_refusal(&problem) => Self::Refused(problem),
            (Err(problem), None) => Self::Unknown(problem),
        }
    }
}
