//! What the user can do where there is no token.

use super::decision::Reason;
use super::error::AcquireError;
use crate::advice::{Advise, Status};
use crate::binding::Binding;
use crate::text::shell::quoted;
use crate::text::untrusted::escaped;

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
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::advice::check;
    use crate::config::ConfigError;
    use crate::provider::ProviderError;
    use crate::store::StoreError;

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
