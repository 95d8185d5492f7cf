//! A refresh in two steps, prepared and sent, and how it may end.
//!
//! A server that rotates refresh tokens has ended the old one by the time its answer arrives. What happens to the answer is
//! therefore decided by one question: can the login still be lost?

use super::error::ProviderError;
use super::grant::Grant;
use crate::oauth::rotation::Carried;
use crate::secret::RefreshToken;
use crate::token::TokenSet;

/// A refresh that is ready to be sent. Whatever could fail before the refresh token leaves this machine has been done.
pub trait PreparedRefresh {
    /// Sends the refresh token and classifies what comes back.
    fn send(&self) -> RefreshOutcome;

    /// Judges the tokens of an answer. The caller has saved their refresh token: this may take time and use the network.
    ///
    /// # Errors
    /// [`ProviderError`], when the access token must not be used.
    fn judge(&self, tokens: TokenSet) -> Result<Grant, ProviderError>;
}

/// The result of a refresh, as far as authctl knows it.
#[derive(Debug)]
pub enum RefreshOutcome {
    /// Nothing was sent, so the server has changed nothing.
    NotSent(ProviderError),
    /// The server issued tokens.
    Tokens(TokenSet),
    /// The answer carries a new refresh token, but not an access token that can be used.
    RefreshTokenOnly(RefreshToken, ProviderError),
    /// The server said no in a well-formed error (RFC 6749 section 5.2).
    Refused(ProviderError),
    /// The server may have replaced the refresh token: the answer was lost, cannot be read, says "later" or belongs to
    /// another user.
    Unknown(ProviderError),
}

impl RefreshOutcome {
    /// The outcome of an answer that belongs to the login's user: what was read of it as a whole, and the refresh token that
    /// it carries in any case. A new refresh token counts before anything else (F-ROT10).
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
