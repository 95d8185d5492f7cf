//! Why no client is available for a login.

use crate::advice::{Advise, Status};
use crate::oauth::answer::EndpointError;
use crate::oauth::endpoint::UrlRefused;
use crate::ports::HttpError;
use crate::provider::ProviderError;
use crate::store::StoreError;
use crate::text::untrusted::Untrusted;

#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error(transparent)]
    Url(#[from] UrlRefused),
    #[error("the server did not register the client")]
    Refused(#[from] EndpointError),
    /// The server does not support registration.
    #[error("{issuer} does not support client registration, and no `client_id` is configured")]
    NotOffered { issuer: String },
    /// The named client belongs to another server (MCP 2026-07-28).
    #[error("the client {client} belongs to {before}, but the authorization server is now {now}")]
    OtherIssuer {
        client: String,
        /// The client's issuer.
        before: String,
        /// The current issuer.
        now: String,
    },
    /// The user named another client than the configured one.
    #[error("another client, {client}, is already configured ({origin})")]
    Configured {
        client: Untrusted,
        /// Where it is configured.
        origin: String,
    },
    /// No port is free for the redirect.
    #[error("cannot find a free port on 127.0.0.1: {0}")]
    NoPort(std::io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RegistrationError {
    /// The hint for a provider's name, or for the URL that was given instead.
    #[must_use]
    pub fn hint_for(&self, name: &str) -> Option<String> {
        Some(match self {
            Self::NotOffered { .. } => format!(
                "register an app there, with the redirect URI http://127.0.0.1/callback, and run `authctl login {name} --client-id ID`"
            ),
            Self::Configured { .. } => {
                format!("run `authctl provider set {name} client_id=ID` to change it, or omit `--client-id`")
            }
            Self::OtherIssuer { .. } => format!(
                "if the new server is right, run `authctl login {name} --client-id ID` with one of its clients"
            ),
            Self::Refused(error) if error.is("invalid_redirect_uri") => {
                "this server does not accept loopback addresses: register an app there manually, and pass its ID with `--client-id`"
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
            Self::Http(error) => error.status(),
            Self::Refused(error) if error.is_transient() => Status::Unreachable,
            Self::Store(error) => error.status(),
            Self::Url(_) | Self::Refused(_) | Self::NoPort(_) => Status::Failed,
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
            (&E::Http(HttpError::Setup(text())), Status::Config, ""),
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
