//! Why a provider gave nothing: of every step on the way to a token, what can go wrong with it.

use std::time::Duration;

use jiff::Timestamp;

use crate::discovery::DiscoveryError;
use crate::loopback::LoopbackError;
use crate::oauth::answer::EndpointError;
use crate::oauth::authorization::AuthorizationError;
use crate::oauth::certificate::CertificateError;
use crate::oauth::device::DeviceError;
use crate::oauth::endpoint::UrlRefused;
use crate::oauth::id_token::IdTokenError;
use crate::oauth::introspection::IntrospectionError;
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
