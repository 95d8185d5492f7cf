//! Why a provider gave nothing: of every step on the way to a token, what can go wrong with it.

use std::time::Duration;

use jiff::Timestamp;

use crate::advice::{Advise, Status};
use crate::discovery::DiscoveryError;
use crate::loopback::LoopbackError;
use crate::oauth::answer::EndpointError;
use crate::oauth::certificate::CertificateError;
use crate::oauth::device::DeviceError;
use crate::oauth::endpoint::UrlRefused;
use crate::oauth::id_token::IdTokenError;
use crate::oauth::introspection::IntrospectionError;
use crate::oauth::redirect::AuthorizationError;
use crate::oauth::revocation::RevocationError;
use crate::oauth::signing_key::KeyError;
use crate::oauth::token_endpoint::WrongOrigin;
use crate::oauth::userinfo::UserinfoError;
use crate::ports::{HttpError, ProcessError};
use crate::secret_source::SecretError;
use crate::token::NoHeaders;

/// Why a provider gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// This kind of provider has no such thing.
    #[error("this kind of provider does not offer {0}")]
    NotOffered(&'static str),
    /// This kind of provider gets its tokens without a login.
    #[error("this kind of provider does not offer a login")]
    NeedsNoLogin,
    /// A static token is over.
    #[error("the configured token ended {0}")]
    Ended(Timestamp),
    /// A setting that is needed now is missing.
    #[error("{message}")]
    Unconfigured {
        /// What is missing.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// What the provider handed over is no token.
    #[error("{0}")]
    Unusable(String),
    /// A configured secret cannot be had.
    #[error("a configured secret cannot be had")]
    Secret(#[from] SecretError),
    /// A program failed.
    #[error("the token program failed")]
    Program(#[from] ProcessError),
    /// The network failed.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The user must log in first.
    #[error("{0}")]
    LoginRequired(String),
    /// The provider asks to come again later.
    #[error("{0}")]
    TryLater(String),
    /// The private key cannot be used.
    #[error("the `private_key` cannot be used")]
    PrivateKey(#[from] KeyError),
    /// The certificate cannot be used.
    #[error("the `certificate` cannot be used")]
    Certificate(#[from] CertificateError),
    /// The token makes no headers.
    #[error(transparent)]
    Headers(#[from] NoHeaders),
    /// There are no codes for a device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The server says nothing of a token.
    #[error(transparent)]
    Introspection(#[from] IntrospectionError),
    /// The user did not consent in time.
    #[error("nobody consented within {}", crate::text::humanize::exact(*.0))]
    TimedOut(Duration),
    /// Ctrl-C, or a signal like it.
    #[error("interrupted")]
    Interrupted(i32),
    /// An exchange of a refresh token was refused.
    #[error("the exchange of the refresh token was refused")]
    SubjectRefused(#[source] EndpointError),
    /// What a token was asked for with was refused: an assertion, or another's token.
    #[error("the server does not accept what the token was asked for with")]
    GrantRefused(#[source] EndpointError),
    /// Standard input is a terminal, and a token was to come from there.
    #[error("the subject's token is read from standard input, and that is a terminal")]
    NothingPiped,
    /// An endpoint said no.
    #[error(transparent)]
    Token(#[from] EndpointError),
    /// The stored secrets are bound elsewhere.
    #[error(transparent)]
    WrongOrigin(#[from] WrongOrigin),
    /// The server's metadata cannot be had.
    #[error("what is needed of the server is not known")]
    Discovery(#[from] DiscoveryError),
    /// A URL that a server named was refused.
    #[error("the server named a URL that is not used")]
    Url(#[from] UrlRefused),
    /// An id token was rejected, and so was the access token beside it.
    #[error("the server's id token was rejected, so the access token that came with it was not used")]
    IdToken(#[from] IdTokenError),
    /// The authorization server's answer was no.
    #[error(transparent)]
    Authorization(#[from] AuthorizationError),
    /// There was no redirect.
    #[error(transparent)]
    Loopback(#[from] LoopbackError),
    /// Userinfo gave nothing.
    #[error(transparent)]
    Userinfo(#[from] UserinfoError),
    /// A token was not revoked.
    #[error(transparent)]
    Revocation(#[from] RevocationError),
}

impl ProviderError {
    /// Whether it says nothing about the token: the provider cannot be reached or asks to come again.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Http(error) | Self::Discovery(DiscoveryError::Http(error)) => error.is_transient(),
            Self::Token(error) | Self::Device(DeviceError::Answer(error)) => error.is_transient(),
            Self::TryLater(_) => true,
            _ => false,
        }
    }

    /// What the user can do, where the provider's name is known, or the URL that was named instead.
    pub fn hint_for(&self, provider: &str) -> Option<String> {
        let hint = match self {
            Self::Ended(_) => "put a new one in the configuration",
            Self::Unconfigured { hint, .. } => return hint.clone(),
            Self::NeedsNoLogin => {
                return Some(format!("no login is needed: run `authctl token {provider}`"));
            }
            Self::Secret(error) => return error.hint(),
            Self::Token(error) if error.is("invalid_client") => {
                "the server does not know this client, or its secret is wrong: check client_id and client_secret"
            }
            Self::Token(error) if error.is("invalid_grant") => {
                return Some(format!("run `authctl login {provider}` again"));
            }
            Self::Token(error) if error.is("invalid_target") => {
                "the server knows no such resource or audience for this client: check resource and audience"
            }
            Self::GrantRefused(_) => {
                "check that the key, or the token that was sent, is still valid and known to the server"
            }
            Self::NothingPiped => "pipe the token in",
            Self::SubjectRefused(_) => {
                "a server that rotates refresh tokens does not exchange them: turn refresh token rotation off for this application there, and log in again"
            }
            Self::TimedOut(_) => return Some(format!("run `authctl login {provider}` again")),
            Self::LoginRequired(_) => return Some(format!("run `authctl login {provider}`")),
            Self::WrongOrigin(_) => {
                return Some(format!("if the new address is right, run `authctl login {provider}`"));
            }
            Self::Authorization(AuthorizationError::Server { denied: true, .. }) => {
                return Some(format!("run `authctl login {provider}` again to grant access"));
            }
            Self::Loopback(error) => return error.hint(),
            Self::Discovery(error) if error.hint().is_some() => return error.hint(),
            error if error.is_transient() => "what is stored is kept; try again later",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

impl Advise for ProviderError {
    fn status(&self) -> Status {
        match self {
            Self::Ended(_) | Self::LoginRequired(_) | Self::WrongOrigin(_) => Status::LoginRequired,
            Self::NothingPiped => Status::Usage,
            Self::Interrupted(signal) => Status::Interrupted(*signal),
            Self::PrivateKey(_)
            | Self::Certificate(_)
            | Self::Unconfigured { .. }
            | Self::Http(HttpError::Setup(_)) => Status::Config,
            Self::Secret(error) => error.status(),
            Self::Loopback(error) => error.status(),
            error if error.is_transient() => Status::Unreachable,
            _ => Status::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        self.hint_for("NAME")
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::advice::check;
    use crate::oauth::answer::ErrorResponse;
    use crate::store::StoreError;

    fn refused(code: &str) -> EndpointError {
        let code = code.to_owned();
        Box::new(ErrorResponse { endpoint: "token endpoint", code, description: None, interval: None }).into()
    }

    #[test]
    fn each_error_has_its_status_and_hint() {
        use ProviderError as E;
        let text = || "x".to_owned();
        let later = || EndpointError::TryLater { endpoint: "token endpoint", status: 503, retry_after: None };
        let unreachable = || HttpError::NotSent { host: text(), reason: text() };
        let denied = |denied| AuthorizationError::Server {
            error: crate::text::untrusted::Untrusted::new("x"),
            description: None,
            denied,
        };
        let not_published = DiscoveryError::NotPublished { issuer: text(), status: 404 };
        let not_stored = SecretError::NotStored { provider: "github".parse().unwrap(), key: text() };
        let bind = LoopbackError::Bind { address: text(), source: io::ErrorKind::AddrInUse.into() };
        let timed_out = LoopbackError::TimedOut { waited: Duration::from_secs(1), ignored: 0 };
        let unconfigured = E::Unconfigured { message: text(), hint: Some("set it".to_owned()) };
        use Status::{Config, Failed, Interrupted, LoginRequired, Unreachable, Usage};
        check(&[
            (&E::NotOffered("x"), Failed, ""),
            (&E::NeedsNoLogin, Failed, "authctl token NAME"),
            (&E::Ended(Timestamp::UNIX_EPOCH), LoginRequired, "in the configuration"),
            (&unconfigured, Config, "set it"),
            (&E::Unusable(text()), Failed, ""),
            (&E::Secret(not_stored), Failed, "authctl secret set github x"),
            (&E::Secret(SecretError::NoVariable(text())), Failed, "set the variable"),
            (&E::Secret(StoreError::Locked.into()), Status::Store, "authctl store unlock"),
            (&E::Http(unreachable()), Unreachable, "try again later"),
            (&E::Http(HttpError::Setup(text())), Config, ""),
            (&E::Http(HttpError::NotPublic { host: text() }), Failed, ""),
            (&E::LoginRequired(text()), LoginRequired, "authctl login NAME"),
            (&E::TryLater(text()), Unreachable, "try again later"),
            (&E::Device(later().into()), Unreachable, "try again later"),
            (&E::TimedOut(Duration::from_secs(1)), Failed, "authctl login NAME"),
            (&E::Interrupted(2), Interrupted(2), ""),
            (&E::SubjectRefused(refused("invalid_grant")), Failed, "rotation off"),
            (&E::GrantRefused(refused("invalid_grant")), Failed, "still valid"),
            (&E::NothingPiped, Usage, "pipe the token in"),
            (&E::Token(later()), Unreachable, "try again later"),
            (&E::Token(refused("invalid_client")), Failed, "check client_id"),
            (&E::Token(refused("invalid_grant")), Failed, "authctl login NAME"),
            (&E::Token(refused("invalid_target")), Failed, "check resource and audience"),
            (&E::Token(refused("other")), Failed, ""),
            (&E::Discovery(unreachable().into()), Unreachable, "try again later"),
            (&E::Discovery(not_published), Failed, "set `issuer`"),
            (&E::Authorization(denied(true)), Failed, "to grant access"),
            (&E::Authorization(denied(false)), Failed, ""),
            (&E::Loopback(timed_out), Failed, "--timeout"),
            (&E::Loopback(LoopbackError::OpenedTwice), Failed, "--no-browser"),
            (&E::Loopback(bind), Failed, "another port"),
            (&E::Loopback(LoopbackError::Interrupted(15)), Interrupted(15), ""),
        ]);
    }
}
