//! The trait that every provider kind and OAuth grant implements.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use super::client::oauth_client::OAuthClient;
use super::context::Context;
use super::error::ProviderError;
use super::grant::{IssueOutcome, Login};
use super::logout::{EndedSession, Revocation};
use super::refresh::PreparedRefresh;
use super::request::{BrowserChoice, IssueRequest, LoginRequest, TokenRequest};
use super::subject_token;
use crate::binding::Binding;
use crate::loopback::RedirectUri;
use crate::name::ScopeSet;
use crate::oauth::dpop::Prover;
use crate::ports::Transport;
use crate::store::record::{Record, TokenKey};
use crate::token::Credential;

/// What a kind's tokens depend on, as far as that can be checked without requesting one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    Program(String),
    /// A variable that the platform sets.
    Variable(String),
    /// A file that the platform writes.
    File(PathBuf),
}

/// A configured provider. A kind that is an OAuth client returns that client, which implements most methods.
pub trait TokenProvider {
    /// The kind's OAuth client. Callers use it only to register the client or to examine its configuration.
    fn oauth(&self) -> Option<&OAuthClient> {
        None
    }

    /// The configured part of the binding for stored secrets; empty for kinds that store none.
    fn binding(&self) -> Binding {
        self.oauth().map(OAuthClient::binding).unwrap_or_default()
    }

    /// The binding with the parts that only the server's metadata contains.
    fn full_binding(&self, context: &Context<'_>) -> Result<Binding, ProviderError> {
        match self.oauth() {
            Some(oauth) => oauth.server(context, &["token_endpoint"])?.binding(),
            None => Ok(self.binding()),
        }
    }

    fn keeps_tokens(&self) -> bool {
        self.oauth().is_some()
    }

    /// The configured redirect URI.
    fn redirect_uri(&self) -> Option<&RedirectUri> {
        None
    }

    /// Whether the first token requires a login.
    fn is_interactive(&self) -> bool {
        false
    }

    /// Whether requests may select a connection.
    fn takes_connection(&self) -> bool {
        false
    }

    /// Whether nothing that is issued for its tokens may be stored: they belong to a job, and the machine runs other
    /// jobs afterwards.
    fn is_ephemeral(&self) -> bool {
        false
    }

    /// The subject tokens that it needs. They are acquired before it issues a token.
    fn subject_tokens(&self) -> &[subject_token::SubjectTokenSource] {
        &[]
    }

    /// What must exist on this machine.
    fn requirements(&self) -> Vec<Requirement> {
        Vec::new()
    }

    /// How long before it expires a token is refreshed.
    fn refresh_early(&self) -> Duration {
        self.oauth().map_or(Duration::from_secs(60), |oauth| oauth.refresh_early)
    }

    fn scopes(&self) -> ScopeSet {
        self.oauth().map(|oauth| oauth.scopes().clone()).unwrap_or_default()
    }

    fn capability(&self, name: &str) -> Result<ScopeSet, ProviderError> {
        self.oauth().ok_or(ProviderError::NotOffered("capabilities"))?.capability(name)
    }

    /// The key of the access token for this request.
    fn token_key(&self, request: &TokenRequest) -> TokenKey {
        self.oauth().map(|oauth| oauth.token_key(request)).unwrap_or_default()
    }

    /// Gets a token without a login.
    fn issue(&self, _: &Context<'_>, _: &IssueRequest<'_>) -> Result<IssueOutcome, ProviderError> {
        Err(ProviderError::NotOffered("tokens without a login"))
    }

    /// Gets tokens from a login.
    fn login(&self, _: &Context<'_>, _: &LoginRequest) -> Result<Login, ProviderError> {
        Err(ProviderError::NeedsNoLogin)
    }

    /// Prepares to get an access token with the record's refresh token, without sending anything to the token endpoint.
    fn prepare_refresh<'a>(
        &'a self,
        context: &'a Context<'a>,
        record: &Record,
        request: &TokenRequest,
    ) -> Result<Box<dyn PreparedRefresh + 'a>, ProviderError> {
        let oauth = self.oauth().ok_or(ProviderError::NotOffered("a refresh"))?;
        Ok(Box::new(oauth.prepare_refresh(context, record, request)?))
    }

    /// Revokes the record's tokens at the server: the kind of each token, and the result.
    fn revoke(&self, context: &Context<'_>, record: &Record) -> Vec<(&'static str, Revocation)> {
        match self.oauth() {
            Some(oauth) => oauth.revoke(context, record),
            None => vec![("token", Revocation::NotOffered)],
        }
    }

    /// Ends the user's session at the server, in the browser (OpenID Connect RP-Initiated Logout 1.0).
    fn end_session(
        &self,
        _: &Context<'_>,
        _: &Record,
        _: &BrowserChoice,
    ) -> Result<EndedSession, ProviderError> {
        Err(ProviderError::NotOffered("a logout in the browser"))
    }

    /// Whether it is an OAuth client, so that its tokens are OAuth access tokens.
    fn is_oauth(&self) -> bool {
        self.oauth().is_some()
    }

    /// The transport for servers, without the client's certificate, which is only for the provider.
    fn transport(&self) -> Transport {
        let transport = self.oauth().map(|oauth| Transport { identity: None, ..oauth.transport.clone() });
        transport.unwrap_or_default()
    }

    /// The transport for the provider's own servers, with the client's certificate if it has one (RFC 8705 section 2).
    fn transport_with_certificate(&self, context: &Context<'_>) -> Result<Transport, ProviderError> {
        self.oauth().map_or_else(|| Ok(Transport::default()), |oauth| oauth.transport(context))
    }

    /// The prover for a record's tokens, if they are bound to a key.
    fn stored_prover(
        &self,
        context: &Context<'_>,
        record: &Record,
    ) -> Result<Option<Rc<Prover>>, ProviderError> {
        self.oauth().map_or(Ok(None), |oauth| oauth.stored_prover(context, record))
    }

    /// Whether one of the server's keys signed a token.
    fn has_signed(
        &self,
        context: &Context<'_>,
        token: &str,
        algorithm: Algorithm,
        key_id: Option<&str>,
    ) -> Result<bool, ProviderError> {
        self.oauth().ok_or(ProviderError::NotOffered("keys"))?.has_signed(context, token, algorithm, key_id)
    }

    /// Introspects an access token at the server (RFC 7662); `None` if the server does not support that.
    fn introspect(
        &self,
        context: &Context<'_>,
        record: &Record,
        token: &str,
    ) -> Result<Option<Map<String, Value>>, ProviderError> {
        self.oauth().map_or(Ok(None), |oauth| oauth.introspect(context, record, token, "access_token"))
    }

    /// Gets the user of a token from the server.
    fn userinfo(
        &self,
        context: &Context<'_>,
        credential: &Credential,
        subject: Option<&str>,
    ) -> Result<Map<String, Value>, ProviderError> {
        self.oauth().ok_or(ProviderError::NotOffered("userinfo"))?.userinfo(context, credential, subject)
    }
}
