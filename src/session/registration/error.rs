//! Why the client is not known to the server.

use crate::advice::{Advise, Status};
use crate::oauth::answer::EndpointError;
use crate::oauth::endpoint::UrlRefused;
use crate::ports::HttpError;
use crate::provider::ProviderError;
use crate::store::StoreError;
use crate::text::untrusted::Untrusted;

/// Why the client is not known to the server.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// Nothing is known of the server.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The server cannot be reached.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A URL was refused.
    #[error(transparent)]
    Url(#[from] UrlRefused),
    /// The server did not register it.
    #[error("the client could not be registered")]
    Refused(#[from] EndpointError),
    /// The server has no way for it.
    #[error("{issuer} registers no clients by itself, and no client_id is configured")]
    NotOffered {
        /// The issuer.
        issuer: String,
    },
    /// The client that was named belongs to another server (MCP 2026-07-28).
    #[error("the client {client} was named for {before}, and the authorization server is now {now}")]
    OtherIssuer {
        /// The client.
        client: String,
        /// The issuer that it was named for.
        before: String,
        /// The issuer now.
        now: String,
    },
    /// Another client than the one that is configured was named.
    #[error("the client {client} is configured ({origin}), and no other can be used with it")]
    Configured {
        /// The client.
        client: Untrusted,
        /// Where.
        origin: String,
    },
    /// There is no port to be returned to.
    #[error("there is no free port on 127.0.0.1: {0}")]
    NoPort(std::io::Error),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RegistrationError {
    /// What the user can do, where the provider's name is known, or the URL that was named instead.
    #[must_use]
    pub fn hint_for(&self, name: &str) -> Option<String> {
        Some(match self {
            Self::NotOffered { .. } => format!(
                "register an app there, with the redirect URI http://127.0.0.1/callback, and run `authctl login {name} --client-id ID`"
            ),
            Self::Configured { .. } => {
                format!("`authctl provider set {name} client_id=ID` changes it; or leave --client-id out")
            }
            Self::OtherIssuer { .. } => format!(
                "if that is right, run `authctl login {name} --client-id ID` with a client of the new server"
            ),
            Self::Refused(error) if error.is("invalid_redirect_uri") => {
                "this server accepts no loopback address: register an app there by hand, and name it with --client-id"
                    .to_owned()
            }
            Self::Provider(error) => return error.hint_for(name),
            Self::Store(error) => return error.hint(),
            Self::Http(_) | Self::Url(_) | Self::Refused(_) | Self::NoPort(_) => return None,
        })
    }
}

impl Advise for RegistrationError {
    fn status(&self) -> Status {
        match self {
            Self::Configured { .. } => Status::Usage,
            Self::NotOffered { .. } | Self::OtherIssuer { .. } => Status::Config,
            Self::Provider(error) => error.status(),
            Self::Http(error) if error.is_transient() => Status::Unreachable,
            Self::Refused(error) if error.is_transient() => Status::Unreachable,
            Self::Store(error) => error.status(),
            Self::Http(_) | Self::Url(_) | Self::Refused(_) | Self::NoPort(_) => Status::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        self.hint_for("NAME")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::check;
    use crate::oauth::answer::ErrorResponse;

    #[test]
    fn each_error_has_its_status_and_hint() {
        use RegistrationError as E;
        let text = || "x".to_owned();
        let unreachable = HttpError::NotSent { host: text(), reason: text() };
        let later = EndpointError::TryLater { endpoint: "x", status: 503, retry_after: None };
        let refused = |code: &str| {
            let code = code.to_owned();
            E::Refused(
                Box::new(ErrorResponse { endpoint: "x", code, description: None, interval: None }).into(),
            )
        };
        check(&[
            (&E::Provider(ProviderError::NothingPiped), Status::Usage, "pipe"),
            (&E::Http(unreachable), Status::Unreachable, ""),
            (&E::Http(HttpError::Setup(text())), Status::Failed, ""),
            (&E::Refused(later), Status::Unreachable, ""),
            (&refused("invalid_redirect_uri"), Status::Failed, "--client-id"),
            (&refused("invalid_client_metadata"), Status::Failed, ""),
            (&E::NotOffered { issuer: text() }, Status::Config, "authctl login NAME --client-id"),
            (&E::OtherIssuer { client: text(), before: text(), now: text() }, Status::Config, "--client-id"),
            (
                &E::Configured { client: Untrusted::new("x"), origin: text() },
                Status::Usage,
                "provider set NAME",
            ),
            (&E::NoPort(std::io::ErrorKind::AddrInUse.into()), Status::Failed, ""),
            (&E::Store(StoreError::Locked), Status::Store, "authctl store unlock"),
        ]);
    }
}
