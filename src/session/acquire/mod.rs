//! Gets a token: a stored, refreshed or new one, or the request to log in.

mod acquisition;
mod adoption;
pub mod decision;
mod error;
mod grant;
mod hand_out;
pub mod kernel_cache;
mod refresh;
pub mod rejected;
mod request;
mod subject;

use self::acquisition::Acquisition;
pub use self::error::AcquireError;
pub(super) use self::hand_out::credential;
pub use self::request::AcquireRequest;
use super::provider_session::Session;
use crate::config::Provider;
use crate::token::Issued;

/// Returns a provider's stored token if it meets the requirements. Never refreshes it and never involves the user. The
/// errors are those of [`token`].
pub fn stored(session: &Session<'_>, provider: &Provider) -> Result<Option<Issued>, AcquireError> {
    if !provider.source.keeps_tokens() || !provider.source.subject_tokens().is_empty() {
        return Ok(None);
    }
    Acquisition::new(session, provider, &AcquireRequest::default(), token)?.stored()
}

pub fn token(
    session: &Session<'_>,
    provider: &Provider,
    request: &AcquireRequest,
) -> Result<Issued, AcquireError> {
    Acquisition::new(session, provider, request, token)?.run()
}
