//! Why there is no token.

use std::time::Duration;

use jiff::Timestamp;

use super::decision::Reason;
use crate::advice::{Advise, Status};
use crate::binding::Binding;
use crate::config::ConfigError;
use crate::name::{ProviderName, ScopeSet};
use crate::provider::ProviderError;
use crate::store::StoreError;
use crate::text::shell::quoted;
use crate::text::untrusted::escaped;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum AcquireError {
    /// The user must log in.
    #[error("no usable token for `{provider}`")]
    LoginRequired {
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
        name: ProviderName,
        /// Why.
        source: ProviderError,
    },
    /// A token of another provider, with which this one's is got, cannot be had.
    #[error("no token for `{name}`: it needs one of `{needed}`")]
    Needed {
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

impl Advise for AcquireError {
    fn status(&self) -> Status {
        match self {
            Self::LoginRequired { .. } | Self::OtherBinding { .. } | Self::Gone(_) => Status::LoginRequired,
            Self::Provider { source, .. } => source.status(),
            Self::Store(error) => error.status(),
            Self::RefreshingElsewhere { .. } => Status::Unreachable,
            Self::Interrupted(signal) => Status::Interrupted(*signal),
            Self::NoScopes { .. } => Status::Usage,
            Self::Needed { source, .. } => source.status(),
            Self::Config(error) => error.status(),
            Self::Wider(_) | Self::TooShort { .. } => Status::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::LoginRequired { provider, source: Reason::NotGranted(scopes) } => {
                let scopes = scopes.to_string();
                format!("run `authctl login {provider} --scope {}`, or add it to `scopes`", quoted(&scopes))
            }
            Self::LoginRequired { provider, .. } | Self::Gone(provider) => {
                format!("run `authctl login {provider}`")
            }
            Self::OtherBinding { provider, difference } if difference.0 == Binding::DEFINED_BY => format!(
                "run `authctl login {provider}` to log in to the provider in force; a provider from a config file and one from variables never share a login"
            ),
            Self::OtherBinding { provider, difference } => {
                let (label, configured, stored) = &**difference;
                format!(
                    "the configuration says {label} {}, the login was for {}; if that is right, run `authctl login {provider}`",
                    escaped(configured),
                    escaped(stored)
                )
            }
            Self::Provider { source, name } => return source.hint_for(name.as_str()),
            Self::RefreshingElsewhere { provider, .. } => format!(
                "run `authctl token {provider}` there, so that it saves the new tokens; or wait ten minutes, and this machine tries"
            ),
            Self::TooShort { .. } => "ask for less with --min-ttl".to_owned(),
            Self::NoScopes { .. } => {
                "name at least one scope, or none at all for all that was granted".to_owned()
            }
            Self::Store(error) => return error.hint(),
            Self::Needed { source, .. } => return source.hint(),
            Self::Config(error) => return error.hint(),
            Self::Wider(_) | Self::Interrupted(_) => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::check;

    #[test]
    fn each_error_has_its_status_and_hint() {
        use Status::{Failed, LoginRequired, Unreachable, Usage};
        let provider = || "github".parse().unwrap();
        let login = |source| AcquireError::LoginRequired { provider: provider(), source };
        let other = |what: &str| AcquireError::OtherBinding {
            provider: provider(),
            difference: Box::new((what.to_owned(), "new".to_owned(), "old".to_owned())),
        };
        let failed = |source| AcquireError::Provider { name: provider(), source };
        let later = || failed(ProviderError::TryLater("x".to_owned()));
        let needed = AcquireError::Needed {
            name: provider(),
            needed: "x".parse().unwrap(),
            source: Box::new(later()),
        };
        let elsewhere =
            AcquireError::RefreshingElsewhere { provider: provider(), since: Timestamp::UNIX_EPOCH };
        let short = AcquireError::TooShort { wanted: Duration::from_secs(60), ends: Timestamp::UNIX_EPOCH };
        check(&[
            (&login(Reason::NotLoggedIn), LoginRequired, "authctl login github"),
            (&login(Reason::NotGranted("a b".parse().unwrap())), LoginRequired, "login github --scope 'a b'"),
            (&other("client"), LoginRequired, "says client new, the login was for old"),
            (&other(Binding::DEFINED_BY), LoginRequired, "never share a login"),
            (&AcquireError::Wider("a".parse().unwrap()), Failed, ""),
            (&AcquireError::NoScopes { project: false }, Usage, "at least one scope"),
            (&short, Failed, "--min-ttl"),
            (&AcquireError::Interrupted(2), Status::Interrupted(2), ""),
            (&failed(ProviderError::LoginRequired("x".to_owned())), LoginRequired, "authctl login github"),
            (&later(), Unreachable, "try again later"),
            (&needed, Unreachable, "try again later"),
            (&elsewhere, Unreachable, "authctl token github"),
            (&AcquireError::Gone(provider()), LoginRequired, "authctl login github"),
            (&AcquireError::Config(ConfigError(Vec::new())), Status::Config, ""),
            (&AcquireError::Store(StoreError::Locked), Status::Store, "authctl store unlock"),
        ]);
    }
}
