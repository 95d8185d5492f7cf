//! Why authctl does not answer another program.

use crate::advice::{Advise, Status};
use crate::error::CommandError;
use crate::name::ProviderName;
use crate::text::untrusted::Untrusted;

#[derive(Debug, thiserror::Error)]
pub enum HelperError {
    #[error("missing operation: expected {0}")]
    NoOperation(&'static str),
    #[error("unknown operation {operation}: expected {operations}")]
    UnknownOperation { operation: Untrusted, operations: &'static str },
    #[error("authctl does not store {what}")]
    NotStored { what: &'static str, place: &'static str },
    #[error("{request} {problem}")]
    Malformed { request: &'static str, problem: String, hint: &'static str },
    #[error("no provider serves {0}")]
    NoProvider(Untrusted),
    #[error("`{provider}` does not serve the cluster {cluster}")]
    OtherCluster { cluster: Untrusted, provider: ProviderName },
    #[error("the credential of `{provider}` is not a {wanted}")]
    OtherCredential { provider: ProviderName, wanted: &'static str, hint: &'static str },
    #[error("`{0}` uses headers other than Authorization")]
    OtherHeaders(ProviderName),
    #[error("the password contains a control character")]
    ControlCharacter,
    #[error("authctl manages this registry's token: run `authctl login {0}` instead")]
    OwnToken(ProviderName),
    #[error(
        "authctl manages this registry's login, which other programs may share: run `authctl logout {0}`"
    )]
    OwnLogin(ProviderName),
}

impl Advise for HelperError {
    fn status(&self) -> Status {
        match self {
            Self::NoOperation(_) | Self::UnknownOperation { .. } => Status::Usage,
            _ => Status::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::UnknownOperation { .. } | Self::OwnToken(_) | Self::OwnLogin(_) => return None,
            Self::NoOperation(_) => {
                "run `authctl helper NAME --write` to configure the program, which then calls this command"
            }
            Self::NotStored { place, .. } => {
                return Some(format!("configure the {place} as a provider, then run `authctl login`"));
            }
            Self::Malformed { hint, .. } | Self::OtherCredential { hint, .. } => hint,
            Self::NoProvider(_) => {
                "add the host to a provider's `hosts`; if several providers have it, make one of them the `default`"
            }
            Self::OtherCluster { .. } => {
                "add the cluster to `hosts`, if it may receive the provider's tokens"
            }
            Self::OtherHeaders(_) => "use `authctl curl` or `authctl exec`",
            Self::ControlCharacter => "use `--output json`",
        };
        Some(hint.to_owned())
    }
}

impl CommandError for HelperError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::check;

    #[test]
    fn each_error_has_its_status_and_hint() {
        use HelperError as E;
        use Status::{Failed, Usage};
        let provider = || "github".parse().unwrap();
        let text = || Untrusted::new("x");
        let malformed = E::Malformed { request: "x", problem: "x".to_owned(), hint: "fix the request" };
        let credential = E::OtherCredential { provider: provider(), wanted: "password", hint: "use curl" };
        check(&[
            (&E::NoOperation("get"), Usage, "--write"),
            (&E::UnknownOperation { operation: text(), operations: "get" }, Usage, ""),
            (&E::NotStored { what: "passwords", place: "index" }, Failed, "configure the index"),
            (&malformed, Failed, "fix the request"),
            (&E::NoProvider(text()), Failed, "the `default`"),
            (&E::OtherCluster { cluster: text(), provider: provider() }, Failed, "to `hosts`"),
            (&credential, Failed, "use curl"),
            (&E::OtherHeaders(provider()), Failed, "authctl curl"),
            (&E::ControlCharacter, Failed, "--output json"),
            (&E::OwnToken(provider()), Failed, ""),
            (&E::OwnLogin(provider()), Failed, ""),
        ]);
    }
}
