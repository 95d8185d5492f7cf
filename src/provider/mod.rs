//! Where tokens come from: one file for each kind of provider and each OAuth grant, and the one list of them.

pub mod api_key;
pub mod authorization_code;
pub mod basic;
mod browser;
pub mod ciba;
pub mod client;
pub mod client_credentials;
pub mod command;
mod consent;
pub mod device_code;
mod end_session;
pub mod environment;
mod error;
pub mod external;
pub mod github_actions;
pub mod jwt;
pub mod jwt_bearer;
mod kind;
mod refresh;
pub mod subject_token;
pub mod token_exchange;

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Map, Value};

pub use self::error::ProviderError;
pub use self::kind::{ANY_URN, Kind, kind_names};
pub use self::refresh::{PreparedRefresh, RefreshOutcome};
use crate::binding::Binding;
use crate::loopback::{Page, RedirectUri};
use crate::name::{ProviderName, ScopeSet};
use crate::oauth::dpop::Prover;
use crate::oauth::id_token::Claims;
use crate::ports::{Held, System};
use crate::provider::client::OAuth;
use crate::secret_source::Resolver;
use crate::store::TokenStore;
use crate::store::record::{Record, TokenKey};
use crate::token::{Credential, Issued, TokenSet};

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
    /// Whether environment variables alone define the provider.
    pub defined_by_environment: bool,
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

/// What a kind's tokens come from, as far as that can be seen without asking for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// This program.
    Program(String),
    /// This variable, which the platform sets.
    Variable(String),
    /// This file, which the platform writes.
    File(PathBuf),
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
    pub tokens: &'a subject_token::Tokens,
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
    /// Signals are held back since the server was asked for the tokens: what it gave is kept first.
    pub held: Option<Box<dyn Held>>,
}

/// How far a logout in the browser is known to have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedSession {
    /// The URL was printed for the user to open.
    Printed,
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

    /// Where the browser returns to after a login, as it is configured.
    fn redirect_uri(&self) -> Option<&RedirectUri> {
        None
    }

    /// Whether the first token needs the user.
    fn is_interactive(&self) -> bool {
        false
    }

    /// Whether a token may be asked for by connection.
    fn takes_connection(&self) -> bool {
        false
    }

    /// Whether nothing is to be kept of what is got with its tokens: they are a job's, and the machine is the next job's
    /// afterwards (Q6).
    fn is_ephemeral(&self) -> bool {
        false
    }

    /// The tokens of elsewhere that it works with. They are got before it is asked for a token.
    fn inputs(&self) -> &[subject_token::Input] {
        &[]
    }

    /// What must be on this machine for it.
    fn needs(&self) -> Vec<Need> {
        Vec::new()
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
        Err(ProviderError::NeedsNoLogin)
    }

    /// Prepares to get an access token with the record's refresh token.
    ///
    /// # Errors
    /// [`ProviderError`]; nothing has been sent to the token endpoint then.
    fn prepare_refresh<'a>(
        &'a self,
        context: &'a Context<'a>,
        record: &Record,
        request: &TokenRequest,
    ) -> Result<Box<dyn PreparedRefresh + 'a>, ProviderError> {
        let oauth = self.oauth().ok_or(ProviderError::NotOffered("a refresh"))?;
        Ok(Box::new(oauth.prepare_refresh(context, record, request)?))
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
