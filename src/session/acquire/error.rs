//! Why there is no token.

use std::time::Duration;

use jiff::Timestamp;

use super::decision::Reason;
use crate::binding::Binding;
use crate::config::ConfigError;
use crate::name::{ProviderName, ScopeSet};
use crate::provider::ProviderError;
use crate::store::StoreError;

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
    RefreshingElsewhere {
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
    Config(#[from] ConfigError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Names how the configured provider differs from the one that the stored login is for.
fn other_party((label, ..): &(String, String, String)) -> &'static str {
    if label == Binding::DEFINED_BY { "provider of the same name" } else { "server or client" }
}
