//! Gets a token: stored, refreshed, issued, or "log in first".

pub mod acquisition;
mod advice;
pub mod decision;
pub mod kernel_cache;
pub mod refresh;
pub mod rejected;
pub mod subject;

use std::time::Duration;

use jiff::Timestamp;

use super::Session;
use crate::binding::Binding;
use crate::config::Provider;
use crate::name::{AccountName, ProviderName, ScopeSet};
use crate::provider::{ProviderError, TokenRequest};
use crate::secret::IdToken;
use crate::session::acquire::acquisition::Acquisition;
use crate::session::acquire::decision::Reason;
use crate::store::StoreError;
use crate::token::Issued;

/// What a token is asked for with.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The account.
    pub account: Option<AccountName>,
    /// What it is for.
    pub request: TokenRequest,
    /// How long it must be good for at least.
    pub min_ttl: Option<Duration>,
    /// Renew it in any case.
    pub renew: bool,
    /// The id token is wanted.
    pub id_token: bool,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum AcquireError {
    /// The user must log in.
    #[error("no usable token for `{provider}`")]
    LoginRequired {
        /// The provider.
        provider: ProviderName,
        /// Why.
        source: Reason,
    },
    /// What is stored is bound to something else than what is configured (F-BIND1).
    #[error(
        "the login that is stored for `{provider}` is for another {}; nothing was sent",
        other_party(difference)
    )]
    OtherBinding {
        /// The provider.
        provider: ProviderName,
        /// The first value that differs: what, configured, stored.
        difference: Box<(String, String, String)>,
    },
    /// The server granted more than was asked for: such a token is not handed out.
    #[error("the server granted more than was asked for ({0}), so its token was not used")]
    Wider(ScopeSet),
    /// What is asked for, less what the project leaves of it, is nothing: a token of no scopes is not what anybody means.
    #[error("no scope is left to ask for{}", if *project { ": the project's file leaves none of those" } else { "" })]
    NoScopes {
        /// The project's file left nothing.
        project: bool,
    },
    /// The token does not last as long as is asked.
    #[error("the server's tokens do not last {}: the new one ends {ends}", crate::text::humanize::exact(*wanted))]
    TooShort {
        /// How long was asked for.
        wanted: Duration,
        /// When it ends.
        ends: Timestamp,
    },
    /// Ctrl-C, or a signal like it. What was got is saved.
    #[error("interrupted")]
    Interrupted(i32),
    /// The provider gave nothing.
    #[error("no token for `{name}`")]
    Provider {
        /// The provider.
        name: ProviderName,
        /// Why.
        source: ProviderError,
    },
    /// A token of another provider, with which this one's is got, cannot be had.
    #[error("no token for `{name}`: it needs one of `{needed}`")]
    Needed {
        /// The provider.
        name: ProviderName,
        /// The provider whose token it needs.
        needed: ProviderName,
        /// Why there is none.
        source: Box<AcquireError>,
    },
    /// Another machine began to renew the record, and has not said how that ended.
    #[error(
        "another machine began to renew the login to `{provider}` at {since}, and has not said how that ended"
    )]
    RenewedElsewhere {
        /// The provider.
        provider: ProviderName,
        /// When, by that machine's clock.
        since: Timestamp,
    },
    /// What was stored a moment ago is gone: somebody logged out.
    #[error("the login to `{0}` has just been removed")]
    Gone(ProviderName),
    /// A provider that is needed is configured wrong.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The stored token of a provider that is good as it is: nothing is renewed, nobody is asked. `None` where there is none.
///
/// # Errors
/// [`AcquireError`], the same that [`token`] would end with.
pub fn stored(session: &Session<'_>, provider: &Provider) -> Result<Option<Issued>, AcquireError> {
    if !provider.source.keeps_tokens() || !provider.source.inputs().is_empty() {
        return Ok(None);
    }
    Acquisition::new(session, provider, &Options::default())?.stored()
}

/// Gets a token of a provider.
///
/// # Errors
/// [`AcquireError`].
pub fn token(session: &Session<'_>, provider: &Provider, options: &Options) -> Result<Issued, AcquireError> {
    Acquisition::new(session, provider, options)?.run()
}

/// The end of an id token that was validated when it was stored (E16).
#[must_use]
pub fn id_token_end(token: &IdToken) -> Option<Timestamp> {
    crate::oauth::id_token::stored_claims(token)?.expires_at()
}

/// Names how the configured provider differs from the one that the stored login is for.
fn other_party((label, ..): &(String, String, String)) -> &'static str {
    if label == Binding::DEFINED_BY { "provider of the same name" } else { "server or client" }
}
