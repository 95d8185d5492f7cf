//! Why another program's question is not answered.

use crate::advice::{Advise, Status};
use crate::error::CommandError;
use crate::name::ProviderName;
use crate::text::untrusted::Untrusted;

/// Why another program's question is not answered.
#[derive(Debug, thiserror::Error)]
pub enum HelperError {
    #[error("{program} names an operation: {operations}")]
    NoOperation { program: &'static str, operations: &'static str },
    #[error("there is no {operation}: it is {operations}")]
    UnknownOperation { operation: Untrusted, operations: &'static str },
    #[error("{what} are not kept here")]
    NotKept { what: &'static str, place: &'static str },
    #[error("{question} {problem}")]
    Malformed { question: &'static str, problem: String, hint: &'static str },
    #[error("no provider answers for {0}")]
    NoProvider(Untrusted),
    #[error("the cluster {cluster} is none of the hosts of `{provider}`")]
    OtherCluster { cluster: Untrusted, provider: ProviderName },
    #[error("the credential of `{provider}` is no {wanted}")]
    OtherCredential { provider: ProviderName, wanted: &'static str, hint: &'static str },
    #[error("the keys of `{0}` go into other headers than Authorization")]
    OtherHeaders(ProviderName),
    #[error("the password has a control character")]
    ControlCharacter,
    #[error("the token of this registry is authctl's: run `authctl login {0}`")]
    OwnToken(ProviderName),
    #[error("this registry's login is authctl's: run `authctl logout {0}`")]
    OwnLogin(ProviderName),
}

impl Advise for HelperError {
    fn status(&self) -> Status {
        match self {
            Self::NoOperation { .. } | Self::UnknownOperation { .. } => Status::Usage,
            _ => Status::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoOperation { .. } | Self::UnknownOperation { .. } => return None,
            Self::NotKept { place, .. } => {
                return Some(format!("configure the {place} as a provider, and run `authctl login`"));
            }
            Self::Malformed { hint, .. } | Self::OtherCredential { hint, .. } => hint,
            Self::NoProvider(_) => {
                "one must have its host in `domain` or `hosts`; where several have it, one must be the `default`"
            }
            Self::OtherCluster { .. } => {
                "add it to `hosts` in the configuration, if its tokens may be sent there"
            }
            Self::OtherHeaders(_) => "use `authctl curl` or `authctl exec`",
            Self::ControlCharacter => "a line cannot carry it",
            Self::OwnToken(_) => "no other is kept for it",
            Self::OwnLogin(_) => "other programs may use it too",
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
        let malformed = E::Malformed { question: "x", problem: "x".to_owned(), hint: "write it so" };
        let credential = E::OtherCredential { provider: provider(), wanted: "password", hint: "no other" };
        check(&[
            (&E::NoOperation { program: "git", operations: "get" }, Usage, ""),
            (&E::UnknownOperation { operation: text(), operations: "get" }, Usage, ""),
            (&E::NotKept { what: "passwords", place: "index" }, Failed, "configure the index"),
            (&malformed, Failed, "write it so"),
            (&E::NoProvider(text()), Failed, "the `default`"),
            (&E::OtherCluster { cluster: text(), provider: provider() }, Failed, "to `hosts`"),
            (&credential, Failed, "no other"),
            (&E::OtherHeaders(provider()), Failed, "authctl curl"),
            (&E::ControlCharacter, Failed, "a line"),
            (&E::OwnToken(provider()), Failed, "no other"),
            (&E::OwnLogin(provider()), Failed, "other programs"),
        ]);
    }
}
