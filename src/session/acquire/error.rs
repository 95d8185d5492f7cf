//! Why no token is available.

use std::time::Duration;

use jiff::Timestamp;

use super::decision::Reason;
use crate::advice::{Advise, Status};
use crate::binding::Binding;
use crate::config::ConfigError;
use crate::name::{AccountName, ProviderName, ScopeSet};
use crate::provider::ProviderError;
use crate::store::StoreError;
use crate::text::shell::{quoted, word};
use crate::text::untrusted::escaped;

#[derive(Debug, thiserror::Error)]
pub enum AcquireError {
    #[error("no usable token for `{provider}`{}", account.as_ref().map(|name| format!(" (account {name})")).unwrap_or_default())]
    LoginRequired {
        provider: ProviderName,
        /// The account, if one was requested.
        account: Option<AccountName>,
        source: Reason,
    },
    /// The stored login is bound to another server or client than the configured one (F-BIND1).
    #[error(
        "the stored login for `{provider}` belongs to another {}; nothing was sent",
        other_party(difference)
    )]
    OtherBinding {
        provider: ProviderName,
        /// The first value that differs: its name, the configured value and the stored value.
        difference: Box<(String, String, String)>,
    },
    /// The server granted more than was requested. authctl does not hand out such a token.
    #[error("the server granted more scopes than requested ({0}), so authctl did not use its token")]
    Wider(ScopeSet),
    /// No requested scope is left after the project file's limit. Nobody wants a token without scopes.
    #[error("no scope is left to request{}", if *project { ": the project file allows none of these" } else { "" })]
    NoScopes {
        /// Whether the project file excluded the scopes.
        project: bool,
    },
    /// The token's lifetime is shorter than requested.
    #[error("the server's tokens are not valid for {}: the new one expires at {ends}", crate::text::humanize::exact(*wanted))]
    TooShort {
        /// The requested lifetime.
        wanted: Duration,
        /// When the token expires.
        ends: Timestamp,
    },
    /// Ctrl-C or a similar signal. Everything received so far is saved.
    #[error("interrupted")]
    Interrupted(i32),
    #[error("no token for `{name}`")]
    Provider { name: ProviderName, source: ProviderError },
    /// Another provider's token, which this provider needs, is not available.
    #[error("no token for `{name}`, because it needs a token of `{needed}`")]
    Needed { name: ProviderName, needed: ProviderName, source: Box<AcquireError> },
    /// Another machine began to refresh the login and has not reported the result.
    #[error(
        "another machine began to refresh the login to `{provider}` at {since} and has not reported the result"
    )]
    RefreshingElsewhere {
        provider: ProviderName,
        /// The start time by that machine's clock.
        since: Timestamp,
    },
    /// The login existed a moment ago: the user has logged out meanwhile.
    #[error("the login to `{0}` was removed a moment ago")]
    Gone(ProviderName),
    /// The configuration of another provider, which this one needs, is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Says how the configured provider differs from the one that the stored login belongs to.
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
            Self::LoginRequired { provider, account, source } => {
                let account = account.as_ref().map(|name| format!(" --account {}", word(&name.to_string())));
                let command = format!("authctl login {provider}{}", account.unwrap_or_default());
                match source {
                    Reason::NotGranted(scopes) => {
                        let scopes = quoted(&scopes.to_string());
                        format!("run `{command} --scope {scopes}`, or add it to `scopes`")
                    }
                    _ => format!("run `{command}`"),
                }
            }
            Self::Gone(provider) => format!("run `authctl login {provider}`"),
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
            Self::NoScopes { .. } => "add a scope, or omit --scope to request every granted scope".to_owned(),
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
        let login = |source| AcquireError::LoginRequired { provider: provider(), account: None, source };
        let of_account = AcquireError::LoginRequired {
            provider: provider(),
            account: Some("bob".parse().unwrap()),
            source: Reason::NotLoggedIn,
        };
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
            (&of_account, LoginRequired, "authctl login github --account bob"),
            (&login(Reason::NotGranted("a b".parse().unwrap())), LoginRequired, "login github --scope 'a b'"),
            (&other("client"), LoginRequired, "says client new, the login was for old"),
            (&other(Binding::DEFINED_BY), LoginRequired, "never share a login"),
            (&AcquireError::Wider("a".parse().unwrap()), Failed, ""),
            (&AcquireError::NoScopes { project: false }, Usage, "add a scope"),
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
