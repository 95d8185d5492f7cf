//! What every kind of provider and every OAuth grant implements.

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

/// What a kind's tokens come from, as far as that can be seen without asking for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    Program(String),
    /// This variable, which the platform sets.
    Variable(String),
    /// This file, which the platform writes.
    File(PathBuf),
}

/// A configured provider. A kind that is an OAuth client returns that client, and most methods are done for it.
pub trait TokenProvider {
    /// The OAuth client that it is. Others ask for it only to register the client or to examine its configuration.
    fn oauth(&self) -> Option<&OAuthClient> {
        None
    }

    /// What the configuration binds stored secrets to; empty for kinds that store none.
    fn binding(&self) -> Binding {
        self.oauth().map(OAuthClient::binding).unwrap_or_default()
    }

    /// The binding with what only the server's metadata says.
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
    /// afterwards.
    fn is_ephemeral(&self) -> bool {
        false
    }

    /// The subject tokens that it needs. They are acquired before it is asked for a token.
    fn subject_tokens(&self) -> &[subject_token::SubjectTokenSource] {
        &[]
    }

    /// What must be on this machine for it.
    fn requirements(&self) -> Vec<Requirement> {
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
    fn issue(&self, _: &Context<'_>, _: &IssueRequest<'_>) -> Result<IssueOutcome, ProviderError> {
        Err(ProviderError::NotOffered("tokens without a login"))
    }

    /// Gets tokens with the user.
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

    /// How servers are reached, without the client's certificate, which is for the provider alone.
    fn transport(&self) -> Transport {
        let transport = self.oauth().map(|oauth| Transport { identity: None, ..oauth.transport.clone() });
        transport.unwrap_or_default()
    }

    /// How the provider's own servers are reached: with the client's certificate, if it has one (RFC 8705 section 2).
    ///
    /// # Errors
    /// [`ProviderError`], when the certificate cannot be used.
    fn transport_with_certificate(&self, context: &Context<'_>) -> Result<Transport, ProviderError> {
        self.oauth().map_or_else(|| Ok(Transport::default()), |oauth| oauth.transport(context))
    }

    /// What proves the key that a record's tokens are bound to, if they are bound to one.
    ///
    /// # Errors
    /// [`ProviderError`], when the stored key cannot be used.
    fn stored_prover(
        &self,
        context: &Context<'_>,
        record: &Record,
    ) -> Result<Option<Rc<Prover>>, ProviderError> {
        self.oauth().map_or(Ok(None), |oauth| oauth.stored_prover(context, record))
    }

    /// Whether one of the server's keys made a token's signature.
    ///
    /// # Errors
    /// [`ProviderError`], when the keys are not available.
    fn has_signed(
        &self,
        context: &Context<'_>,
        token: &str,
        algorithm: Algorithm,
        key_id: Option<&str>,
    ) -> Result<bool, ProviderError> {
        self.oauth().ok_or(ProviderError::NotOffered("keys"))?.has_signed(context, token, algorithm, key_id)
    }

    /// Asks the server what it knows of an access token (RFC 7662); `None` if it does not offer that.
    fn introspect(
        &self,
        context: &Context<'_>,
        record: &Record,
        token: &str,
    ) -> Result<Option<Map<String, Value>>, ProviderError> {
        self.oauth().map_or(Ok(None), |oauth| oauth.introspect(context, record, token, "access_token"))
    }

    /// Asks the server who the user of a token is.
    fn userinfo(
        &self,
        context: &Context<'_>,
        credential: &Credential,
        subject: Option<&str>,
    ) -> Result<Map<String, Value>, ProviderError> {
        self.oauth().ok_or(ProviderError::NotOffered("userinfo"))?.userinfo(context, credential, subject)
    }
}
