//! What a caller asks of a token.

use std::time::Duration;

use crate::name::AccountName;
use crate::provider::TokenRequest;

/// The request options of a token.
#[derive(Debug, Clone, Default)]
pub struct AcquireRequest {
    pub account: Option<AccountName>,
    pub request: TokenRequest,
    /// How long it must be good for at least.
    pub min_ttl: Option<Duration>,
    /// Get a new token even if the stored one is valid.
    pub force_refresh: bool,
    /// The id token is wanted.
    pub id_token: bool,
}
