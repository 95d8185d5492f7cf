//! The options of a token request.

use std::time::Duration;

use crate::name::AccountName;
use crate::provider::TokenRequest;

#[derive(Debug, Clone, Default)]
pub struct AcquireRequest {
    pub account: Option<AccountName>,
    pub request: TokenRequest,
    /// The shortest remaining lifetime.
    pub min_ttl: Option<Duration>,
    /// Get a new token even if the stored one is valid.
    pub force_refresh: bool,
    /// Whether the caller wants the ID token.
    pub id_token: bool,
}
