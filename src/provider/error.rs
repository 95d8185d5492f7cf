//! Why a provider supplied no token, with the errors of every step on the way to one.

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

#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// This kind of provider does not support it.
    #[error("this kind of provider does not offer {0}")]
    NotOffered(&'static str),
    /// This kind of provider gets its tokens without a login.
    #[error("this kind of provider does not offer a login")]
    NeedsNoLogin,
    /// A static token has expired.
    #[error("the configured token expired at {0}")]
    Ended(Timestamp),
    /// A setting that is needed now is missing.
    #[error("{message}")]
    Unconfigured { message: String, hint: Option<String> },
    /// The provider's result is not a usable token.
    #[error("{0}")]
    Unusable(String),
    #[error("cannot read a configured secret")]
    Secret(#[from] SecretError),
    #[error("the token program failed")]
    Program(#[from] ProcessError),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("{0}")]
    LoginRequired(String),
    /// The provider is temporarily unavailable.
    #[error("{0}")]
    TryLater(String),
    #[error("cannot use the `private_key`")]
    PrivateKey(#[from] KeyError),
    #[error("cannot use the `certificate`")]
    Certificate(#[from] CertificateError),
    #[error(transparent)]
    Headers(#[from] NoHeaders),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Introspection(#[from] IntrospectionError),
    #[error("the login was not approved within {}", crate::text::humanize::exact(*.0))]
    TimedOut(Duration),
    /// Ctrl-C or a similar signal.
    #[error("interrupted")]
    Interrupted(i32),
    #[error("the server rejected the exchange of the refresh token")]
    SubjectRefused(#[source] EndpointError),
    /// The server rejected an assertion or another provider's token.
    #[error("the server rejected the assertion or token that authctl sent")]
    GrantRefused(#[source] EndpointError),
    /// The configuration reads a token from standard input, which is a terminal.
    #[error("the subject token must come from standard input, which is a terminal")]
    NothingPiped,
    #[error(transparent)]
    Token(#[from] EndpointError),
    /// The token endpoint is not the one that the stored secrets are bound to.
    #[error(transparent)]
    WrongOrigin(#[from] WrongOrigin),
    #[error("the server's metadata is not available")]
    Discovery(#[from] DiscoveryError),
    #[error("the server supplied a URL that authctl refuses to use")]
    Url(#[from] UrlRefused),
    /// The ID token was rejected, so the access token that came with it was rejected as well.
    #[error("the server's ID token was rejected, so the access token that came with it was not used")]
    IdToken(#[from] IdTokenError),
    #[error(transparent)]
    Authorization(#[from] AuthorizationError),
    #[error(transparent)]
    Loopback(#[from] LoopbackError),
    #[error(transparent)]
    Userinfo(#[from] UserinfoError),
    #[error(transparent)]
    Revocation(#[from] RevocationError),
}

impl ProviderError {
    /// Whether the provider is temporarily unavailable, which says nothing about the token.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Http(error) | Self::Discovery(DiscoveryError::Http(error)) => error.is_transient(),
            Self::Token(error) | Self::Device(DeviceError::Answer(error)) => error.is_transient(),
            Self::TryLater(_) => true,
            _ => false,
        }
    }

    /// The hint for a provider's name, or for the URL that was given instead.
    pub fn hint_for(&self, provider: &str) -> Option<String> {
        let hint = match self {
            Self::Ended(_) => "put a new token in the configuration",
            Self::Unconfigured { hint, .. } => return hint.clone(),
            Self::NeedsNoLogin => {
                return Some(format!("no login is needed: run `authctl token {provider}`"));
            }
            Self::Secret(error) => return error.hint(),
            Self::Token(error) if error.is("invalid_client") => {
                "the server does not know this client, or its secret is wrong: check `client_id` and `client_secret`"
            }
            Self::Token(error) if error.is("invalid_grant") => {
                return Some(format!("run `authctl login {provider}` again"));
            }
            Self::Token(error) if error.is("invalid_target") => {
                "the server does not accept this resource or audience for this client: check `resource` and `audience`"
            }
            Self::GrantRefused(_) => {
                "check that the key or token is still valid and that the server accepts it"
            }
            Self::NothingPiped => "pipe the token to authctl",
            Self::SubjectRefused(_) => {
                "disable refresh token rotation for this app at the server, because a server that rotates refresh tokens does not exchange them; then log in again"
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
            error if error.is_transient() => "try again later; stored tokens are kept",
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
            Self::PrivateKey(_) | Self::Certificate(_) | Self::Unconfigured { .. } => Status::Config,
            Self::Http(error) => error.status(),
            Self::Discovery(error) => error.status(),
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
            (&E::SubjectRefused(refused("invalid_grant")), Failed, "refresh token rotation"),
            (&E::GrantRefused(refused("invalid_grant")), Failed, "still valid"),
            (&E::NothingPiped, Usage, "pipe the token to"),
            (&E::Token(later()), Unreachable, "try again later"),
            (&E::Token(refused("invalid_client")), Failed, "check `client_id`"),
            (&E::Token(refused("invalid_grant")), Failed, "authctl login NAME"),
            (&E::Token(refused("invalid_target")), Failed, "check `resource` and `audience`"),
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
