//! Where tokens come from: one file for each kind of provider and each OAuth grant, and the one list of them.

pub mod api_key;
pub mod authorization_code;
pub mod basic;
pub mod ciba;
pub mod client_credentials;
pub mod command;
mod consent;
pub mod device_code;
pub mod environment;
pub mod external;
pub mod github_actions;
pub mod input;
pub mod jwt;
pub mod jwt_bearer;
pub mod oauth;
pub mod token_exchange;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use self::oauth::OAuth;
use crate::binding::Binding;
use crate::discovery::DiscoveryError;
use crate::loopback::{LoopbackError, Page};
use crate::name::{ProviderName, ScopeSet};
use crate::oauth::answer::EndpointError;
use crate::oauth::authorization::AuthorizationError;
use crate::oauth::certificate::CertificateError;
use crate::oauth::device::DeviceError;
use crate::oauth::dpop::Prover;
use crate::oauth::endpoint::UrlRefused;
use crate::oauth::id_token::{Claims, IdTokenError};
use crate::oauth::introspection::IntrospectionError;
use crate::oauth::revocation::RevocationError;
use crate::oauth::signing_key::KeyError;
use crate::oauth::token_endpoint::WrongOrigin;
use crate::oauth::userinfo::UserinfoError;
use crate::ports::{HttpError, ProcessError, System};

use crate::secret_source::{Resolver, SecretError};
use crate::setting::{Key, Problem, Section};
use crate::store::TokenStore;
use crate::store::record::{Record, TokenKey};
use crate::token::{Credential, Issued, NoHeaders, TokenSet};

/// Every kind of provider and every OAuth grant. The grammar, the mask, the schema and the help read this list.
pub const KINDS: &[&Kind] = &[
    &authorization_code::KIND,
    &device_code::KIND,
    &client_credentials::KIND,
    &token_exchange::KIND,
    &jwt_bearer::KIND,
    &ciba::KIND,
    &token_exchange::EXTENSION,
    &jwt::KIND,
    &api_key::KIND,
    &basic::KIND,
    &environment::KIND,
    &github_actions::KIND,
    &command::KIND,
    &external::KIND,
];

/// Every kind by its configured name.
#[must_use]
pub fn kind_names() -> BTreeSet<&'static str> {
    KINDS.iter().flat_map(|kind| [Some(kind.name), kind.alias]).flatten().collect()
}

/// Stands for every grant that is named by a URI of its own.
pub const ANY_URN: &str = "urn:…";

/// A kind of provider, or one grant of the kind `oauth`.
#[derive(Debug)]
pub struct Kind {
    /// Its name in the configuration.
    pub name: &'static str,
    /// Another name for it.
    pub alias: Option<&'static str>,
    /// The names of its `grant_type`, for `oauth`: ours, and its URN where it has one.
    pub grants: &'static [&'static str],
    /// The key that `name = value` stands for.
    pub shorthand: Option<&'static str>,
    /// What it does, in one sentence without a full stop.
    pub about: &'static str,
    /// Its keys, in groups that kinds share.
    pub keys: &'static [&'static [&'static Key]],
    /// Whether other keys are taken as well, and passed on.
    pub open: bool,
    /// Whether it runs a program: then only the site and user layers may have it.
    pub runs_program: bool,
    /// Reads the checked keys.
    pub build: Build,
}

/// Makes a provider of its checked keys, or tells every problem with them.
pub type Build = fn(&Section<'_>, &Place) -> Result<Box<dyn TokenProvider>, Vec<Problem>>;

impl Kind {
    /// Whether the configuration may call it this.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.alias == Some(name)
    }

    /// Whether it is the kind of this `grant_type`. A kind without grants has any; the one of extension grants has every
    /// absolute URI (RFC 6749 section 4.5).
    #[must_use]
    pub fn has_grant(&self, name: &str) -> bool {
        self.grants.is_empty()
            || self.grants.contains(&name)
            || self.grants.contains(&ANY_URN) && name.contains(':')
    }

    /// The name of its `grant_type`.
    #[must_use]
    pub fn grant(&self) -> Option<&'static str> {
        self.grants.first().copied()
    }

    /// Its keys.
    pub fn all_keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.keys.iter().flat_map(|group| group.iter().copied())
    }
}

/// What a kind is told of its credential.
#[derive(Debug, Clone)]
pub struct Place {
    /// The provider's name.
    pub name: ProviderName,
    /// `https`, or `http` where the configuration says so.
    pub scheme: String,
    /// The host, and port, that the credential is for.
    pub domain: String,
    /// The name by which the configuration calls the kind: an alias may have defaults of its own.
    pub called: String,
    /// Where the template says that an app is registered.
    pub registration: Option<String>,
    /// The user's home, for `~/` in paths.
    pub home: Option<PathBuf>,
}

/// What a provider is given to work with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The outside.
    pub system: &'a System,
    /// The token store.
    pub store: &'a TokenStore<'a>,
    /// The provider's name.
    pub name: &'a ProviderName,
    /// Ask servers again for what is cached of them.
    pub refresh_metadata: bool,
}

impl<'a> Context<'a> {
    /// Resolves secrets that are bound to this.
    #[must_use]
    pub fn secrets(&self, binding: &'a Binding) -> Resolver<'a> {
        Resolver { system: self.system, store: self.store, provider: self.name, binding }
    }
}

/// What a token is wanted for. What is not said is as configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenRequest {
    /// Just these scopes.
    pub scopes: Option<ScopeSet>,
    /// These audiences.
    pub audience: Vec<String>,
    /// These resources (RFC 8707).
    pub resource: Vec<String>,
    /// This connection of the server, in the place of the configured.
    pub connection: Option<String>,
}

/// What a provider issues a token of.
#[derive(Debug, Clone, Copy)]
pub struct IssueRequest<'a> {
    /// What it is wanted for.
    pub wanted: &'a TokenRequest,
    /// What is stored already: a key that tokens are bound to is used further.
    pub stored: Option<&'a Record>,
    /// The tokens of elsewhere that the grant works with.
    pub tokens: &'a input::Tokens,
}

/// What a login is asked for.
#[derive(Debug, Clone)]
pub struct LoginRequest {
    /// These scopes in the place of the configured.
    pub scopes: Option<ScopeSet>,
    /// Open a browser.
    pub browser: BrowserChoice,
    /// Log in with a code that is entered on another device.
    pub device: bool,
    /// How long to wait for the user, where that was said.
    pub timeout: Option<Duration>,
}

/// Which browser a login opens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum BrowserChoice {
    /// The user's own, if it can be seen.
    #[default]
    Default,
    /// This command.
    Command(String),
    /// None: the user takes the URL elsewhere.
    None,
}

/// What a grant brought: tokens to keep.
#[derive(Debug)]
pub struct Grant {
    /// The tokens.
    pub tokens: TokenSet,
    /// Where they may be sent from now on; complete.
    pub binding: Binding,
    /// The issuer, as its metadata writes it.
    pub issuer: Option<String>,
    /// The claims of the id token, which was validated.
    pub claims: Option<Claims>,
    /// The scopes that were asked for.
    pub requested_scopes: ScopeSet,
    /// What proves the key that the tokens are bound to.
    pub prover: Option<Rc<Prover>>,
    /// The thumbprint of the certificate that was shown for them.
    pub certificate: Option<String>,
}

/// What a provider issued.
#[derive(Debug)]
pub enum Issue {
    /// Something to use now and not to keep.
    Immediate(Issued),
    /// Tokens to keep.
    Grant(Box<Grant>),
}

/// A grant that was got with the user.
pub struct Login {
    /// The grant.
    pub grant: Grant,
    /// The browser that waits to hear how it ended, where one came to us.
    pub page: Option<Page>,
}

/// How far a logout in the browser is known to have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedSession {
    /// The browser was sent to the server.
    Asked,
    /// It came back from there.
    Returned,
}

/// What became of a token that was to be revoked.
#[derive(Debug)]
pub enum Revocation {
    /// The server revoked it.
    Revoked,
    /// There is nothing to revoke it with.
    NotOffered,
    /// It is still valid.
    Failed(ProviderError),
}

/// A configured provider. Kinds that are an OAuth client say so by [`TokenProvider::oauth`], and most is done for them.
pub trait TokenProvider {
    /// The OAuth client that it is.
    fn oauth(&self) -> Option<&OAuth> {
        None
    }

    /// What the configuration binds stored secrets to; empty for kinds that store none.
    fn binding(&self) -> Binding {
        self.oauth().map(OAuth::binding).unwrap_or_default()
    }

    /// The binding with what only the server's metadata says.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn full_binding(&self, context: &Context<'_>) -> Result<Binding, ProviderError> {
        match self.oauth() {
            Some(oauth) => oauth.server(context, &["token_endpoint"])?.binding(),
            None => Ok(self.binding()),
        }
    }

    /// Whether tokens are kept in the store.
    fn keeps_tokens(&self) -> bool {
        self.oauth().is_some()
    }

    /// Whether the first token needs the user.
    fn is_interactive(&self) -> bool {
        false
    }

    /// The tokens of elsewhere that it works with. They are got before it is asked for a token.
    fn inputs(&self) -> &[input::Input] {
        &[]
    }

    /// How long before its end a token is renewed.
    fn refresh_early(&self) -> Duration {
        self.oauth().map_or(Duration::from_secs(60), |oauth| oauth.refresh_early)
    }

    /// The scopes that the configuration asks for.
    fn scopes(&self) -> ScopeSet {
        self.oauth().map(|oauth| oauth.scopes().clone()).unwrap_or_default()
    }

    /// The scopes of a capability.
    ///
    /// # Errors
    /// [`ProviderError::NotOffered`] where there are no capabilities.
    fn capability(&self, name: &str) -> Result<ScopeSet, ProviderError> {
        self.oauth().ok_or(ProviderError::NotOffered("capabilities"))?.capability(name)
    }

    /// The key of the access token that this request means.
    fn token_key(&self, request: &TokenRequest) -> TokenKey {
        self.oauth().map(|oauth| oauth.token_key(request)).unwrap_or_default()
    }

    /// Gets a token without the user.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn issue(&self, context: &Context<'_>, request: &IssueRequest<'_>) -> Result<Issue, ProviderError>;

    /// Gets tokens with the user.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn login(&self, _: &Context<'_>, _: &LoginRequest) -> Result<Login, ProviderError> {
        Err(ProviderError::NotOffered("a login"))
    }

    /// Gets an access token with the record's refresh token.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn refresh(
        &self,
        context: &Context<'_>,
        record: &Record,
        request: &TokenRequest,
    ) -> Result<Grant, ProviderError> {
        self.oauth().ok_or(ProviderError::NotOffered("a refresh"))?.refresh(context, record, request)
    }

    /// Revokes the record's tokens at the server: what kind of token, and what became of it.
    fn revoke(&self, context: &Context<'_>, record: &Record) -> Vec<(&'static str, Revocation)> {
        match self.oauth() {
            Some(oauth) => oauth.revoke(context, record),
            None => vec![("token", Revocation::NotOffered)],
        }
    }

    /// Ends the user's session at the server, in the browser (OpenID Connect RP-Initiated Logout 1.0).
    ///
    /// # Errors
    /// [`ProviderError`].
    fn end_session(
        &self,
        _: &Context<'_>,
        _: &Record,
        _: &BrowserChoice,
    ) -> Result<EndedSession, ProviderError> {
        Err(ProviderError::NotOffered("a logout in the browser"))
    }

    /// Asks the server who the user of a token is.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn userinfo(
        &self,
        context: &Context<'_>,
        credential: &Credential,
        subject: Option<&str>,
    ) -> Result<Map<String, Value>, ProviderError> {
        self.oauth().ok_or(ProviderError::NotOffered("userinfo"))?.userinfo(context, credential, subject)
    }
}

/// Why a provider gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// This kind of provider has no such thing.
    #[error("this kind of provider does not offer {0}")]
    NotOffered(&'static str),
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
    #[error("nobody consented within {} seconds", .0.as_secs())]
    TimedOut(Duration),
    /// Ctrl-C, or a signal like it.
    #[error("interrupted")]
    Interrupted(i32),
    /// An exchange of a refresh token was refused.
    #[error("the exchange of the refresh token was refused")]
    SubjectRefused(#[source] EndpointError),
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
    /// The id token was refused, and with it all that came along.
    #[error("the id token was refused, and with it the tokens that came along")]
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
