//! The requests of an OAuth client: tokens, revocation, userinfo, and the check of the id token that comes along.

use super::super::{Context, Grant, ProviderError, Revocation, TokenRequest};
use super::{OAuth, Server};
use crate::binding::Binding;
use crate::console::with_causes;
use crate::discovery::{self, DiscoveryError};
use crate::oauth::client::{AuthenticationMethod, Client};
use crate::oauth::endpoint::EndpointUrl;
use crate::oauth::form::Form;
use crate::oauth::id_token::{self, Claims, Expected, IdTokenError};
use crate::oauth::token_endpoint::TokenEndpoint;
use crate::oauth::{revocation, userinfo};
use crate::secret::{AccessToken, ClientSecret, Nonce};
use crate::setting::SecretSource;
use crate::store::record::Record;
use crate::token::TokenSet;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What an authentication request said, which its id token must agree with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Presented<'a> {
    /// The client.
    pub client_id: Option<&'a str>,
    /// The nonce.
    pub nonce: Option<&'a Nonce>,
    /// `max_age`, in seconds.
    pub max_age: Option<i64>,
}

impl OAuth {
    fn client(&self, context: &Context<'_>, server: &Server<'_>, id: &str) -> Result<Client, ProviderError> {
        let offered = server
            .metadata
            .as_ref()
            .and_then(|metadata| metadata.strings("token_endpoint_auth_methods_supported"));
        let chosen = || AuthenticationMethod::chosen(self.client_secret.is_some(), offered.as_deref());
        let method = self.method.unwrap_or_else(chosen);
        let secret = match (&self.client_secret, method) {
            (_, AuthenticationMethod::None) => None,
            (Some(source), _) => {
                let binding = self.binding();
                Some(ClientSecret::new(context.secrets(&binding).resolve(source)?.expose()))
            }
            (None, _) => {
                return Err(ProviderError::Unconfigured {
                    message: "there is no `client_secret`, which the authentication method needs".to_owned(),
                    hint: Some(format!("set it with `authctl secret set {} client_secret`", context.name)),
                });
            }
        };
        Ok(Client { id: id.to_owned(), secret, method, plain_basic: self.quirks.plain_basic })
    }

    /// The token endpoint of a binding.
    ///
    /// # Errors
    /// [`ProviderError::WrongOrigin`] when the server is now elsewhere.
    pub fn token_endpoint(
        &self,
        context: &Context<'_>,
        server: &Server<'_>,
        binding: &Binding,
    ) -> Result<TokenEndpoint, ProviderError> {
        let url = server.endpoint("token_endpoint")?;
        let client = self.client(context, server, binding.get(Binding::CLIENT_ID).unwrap_or_default())?;
        Ok(TokenEndpoint::new(url, binding, client, self.quirks.clone(), self.transport.clone())?)
    }

    /// The endpoint for refreshes: the configured one of its own, or the token endpoint.
    fn refresh_endpoint(
        &self,
        context: &Context<'_>,
        server: &Server<'_>,
        binding: &Binding,
    ) -> Result<TokenEndpoint, ProviderError> {
        let Some(url) = self.endpoints.get("refresh_endpoint") else {
            return self.token_endpoint(context, server, binding);
        };
        let client = self.client(context, server, binding.get(Binding::CLIENT_ID).unwrap_or_default())?;
        let bound = binding.get("refresh endpoint").unwrap_or_default();
        let binding = binding.clone().with(Binding::TOKEN_ENDPOINT, bound);
        Ok(TokenEndpoint::new(url.clone(), &binding, client, self.quirks.clone(), self.transport.clone())?)
    }

    /// Adds the configured free parameters, which never replace one of the protocol's.
    ///
    /// # Errors
    /// [`ProviderError::Secret`].
    pub fn add_free(
        &self,
        context: &Context<'_>,
        parameters: &BTreeMap<String, SecretSource>,
        form: &mut Form,
    ) -> Result<(), ProviderError> {
        let binding = self.binding();
        for (name, source) in parameters {
            form.set(name, context.secrets(&binding).resolve(source)?.expose());
        }
        Ok(())
    }

    /// The parameters that every token request begins with.
    ///
    /// # Errors
    /// [`ProviderError::Secret`].
    pub fn token_form(&self, context: &Context<'_>, request: &TokenRequest) -> Result<Form, ProviderError> {
        let mut form = Form::default();
        self.add_free(context, &self.token_params, &mut form)?;
        self.add_resource(request, &mut form);
        Ok(form)
    }

    /// Adds `resource`, the same in every request (S2), unless the server chokes on it (S5).
    pub fn add_resource(&self, request: &TokenRequest, form: &mut Form) {
        for resource in self.resource(request).iter().filter(|_| !self.quirks.no_resource) {
            form.add("resource", resource);
        }
    }

    /// Refreshes (RFC 6749 section 6). The scope goes along only where less than the grant is wanted; the id token that
    /// may come back is checked against the record.
    ///
    /// # Errors
    /// [`ProviderError`]; nothing of the answer is used then.
    pub fn refresh(
        &self,
        context: &Context<'_>,
        record: &Record,
        request: &TokenRequest,
    ) -> Result<Grant, ProviderError> {
        let (Some(refresh_token), true) = (&record.refresh_token, self.can("refresh")) else {
            return Err(ProviderError::NotOffered("a refresh"));
        };
        let server = self.server(context, &["token_endpoint"])?;
        let endpoint = self.refresh_endpoint(context, &server, &record.binding)?;
        let mut form = self.token_form(context, request)?;
        form.set("refresh_token", refresh_token.expose());
        if let Some(scopes) = &request.scopes {
            form.set("scope", &self.scope_text(scopes));
        }
        for audience in self.audience(request) {
            form.add("audience", audience);
        }
        let response = context.system.http.send(&endpoint.request("refresh_token", form))?;
        let tokens = endpoint.response(&response, context.system.clock.now())?;
        let presented =
            Presented { client_id: record.binding.get(Binding::CLIENT_ID), ..Presented::default() };
        let claims = match self.validate_id_token(context, &server, &tokens, &presented) {
            Ok(claims) => claims,
            // OpenID Connect Core section 12.2: a token of somebody else, and nothing that came with it is used.
            Err(ProviderError::IdToken(error)) if !error.is_about_time() => return Err(error.into()),
            // The server may have ended the old refresh token: what came is kept, only the id token is not.
            Err(error) => {
                let reason = with_causes(&error);
                context
                    .system
                    .console
                    .note(format_args!("the new id token cannot be checked and is left out: {reason}"));
                None
            }
        };
        if let (Some(claims), Some(subject)) = (&claims, &record.subject)
            && claims.subject() != subject
        {
            // OpenID Connect Core section 12.2: "its sub Claim Value MUST be the same".
            return Err(IdTokenError::Disagrees("sub").into());
        }
        Ok(Grant {
            tokens,
            binding: record.binding.clone(),
            issuer: record.issuer.clone(),
            claims,
            requested_scopes: request.scopes.clone().unwrap_or_else(|| record.requested_scopes.clone()),
        })
    }

    /// Validates the id token that came with tokens, if one did: its claims.
    ///
    /// # Errors
    /// [`ProviderError::IdToken`], [`ProviderError::Discovery`].
    pub fn validate_id_token(
        &self,
        context: &Context<'_>,
        server: &Server<'_>,
        tokens: &TokenSet,
        presented: &Presented<'_>,
    ) -> Result<Option<Claims>, ProviderError> {
        let Some(token) = tokens.id_token.as_ref().filter(|_| self.can("id_token")) else { return Ok(None) };
        let algorithms = server.id_token_algorithms();
        let symmetric = !algorithms.is_empty()
            && algorithms.iter().all(|algorithm| format!("{algorithm:?}").starts_with("HS"));
        let client_secret = match &self.client_secret {
            Some(source) if symmetric => {
                let binding = self.binding();
                Some(ClientSecret::new(context.secrets(&binding).resolve(source)?.expose()))
            }
            _ => None,
        };
        let issuer = server.issuer();
        let expected = Expected {
            issuer: &issuer,
            other_issuer: self.quirks.id_token_issuer.as_deref(),
            tenant_issuer: self.quirks.tenant_issuer,
            client_id: presented.client_id.unwrap_or_default(),
            nonce: presented.nonce,
            algorithms: &algorithms,
            client_secret: client_secret.as_ref(),
            access_token: Some(&tokens.access_token),
            max_age: presented.max_age,
            now: context.system.clock.now(),
        };
        if symmetric {
            return Ok(Some(id_token::validate(token, &crate::oauth::jose::KeySet::default(), &expected)?));
        }
        let uri = server.endpoint("jwks_uri")?;
        let keys = |fresh| discovery::key_set(context.system, &uri, &self.transport, fresh);
        match id_token::validate(token, &keys(context.refresh_metadata)?, &expected) {
            // The server may have changed its keys since they were fetched (M7).
            Err(IdTokenError::Signature) => Ok(Some(id_token::validate(token, &keys(true)?, &expected)?)),
            claims => Ok(Some(claims?)),
        }
    }

    /// Revokes a record's tokens, the refresh token first (RFC 7009 section 2.1).
    pub fn revoke(&self, context: &Context<'_>, record: &Record) -> Vec<(&'static str, Revocation)> {
        let tokens = record
            .refresh_token
            .iter()
            .map(|token| ("refresh token", "refresh_token", token.expose()))
            .chain(
                record.tokens().map(|token| ("access token", "access_token", token.access_token.expose())),
            );
        let endpoint = if self.can("revoke") { self.revocation_endpoint(context, record) } else { Ok(None) };
        let mut outcomes = Vec::new();
        match endpoint {
            Ok(None) => outcomes.extend(tokens.take(1).map(|(kind, ..)| (kind, Revocation::NotOffered))),
            Err(error) => outcomes.push(("token", Revocation::Failed(error))),
            Ok(Some((endpoint, client))) => {
                for (kind, hint, token) in tokens {
                    let request = revocation::request(&endpoint, &client, token, hint, &self.transport);
                    let outcome = context.system.http.send(&request).map_err(ProviderError::from);
                    let outcome = outcome.and_then(|response| Ok(revocation::response(&response)?));
                    outcomes.push((kind, outcome.map_or_else(Revocation::Failed, |()| Revocation::Revoked)));
                }
            }
        }
        outcomes
    }

    /// Where this record's tokens may be revoked: at an endpoint of the server that they are bound to.
    fn revocation_endpoint(
        &self,
        context: &Context<'_>,
        record: &Record,
    ) -> Result<Option<(EndpointUrl, Client)>, ProviderError> {
        let server = match self.server(context, &["revocation_endpoint"]) {
            Ok(server) => server,
            Err(
                ProviderError::Unconfigured { .. }
                | ProviderError::Discovery(DiscoveryError::NotPublished { .. }),
            ) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let bound = record.binding.get(Binding::TOKEN_ENDPOINT).unwrap_or_default();
        let Some(endpoint) = server.endpoint_beside("revocation_endpoint", bound)? else { return Ok(None) };
        let client_id = record.binding.get(Binding::CLIENT_ID).unwrap_or_default();
        let client = self.client(context, &server, client_id)?;
        Ok(Some((endpoint, client)))
    }

    /// Asks who the user of an access token is.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub fn userinfo(
        &self,
        context: &Context<'_>,
        token: &AccessToken,
        subject: Option<&str>,
    ) -> Result<Map<String, Value>, ProviderError> {
        if !self.can("userinfo") {
            return Err(ProviderError::NotOffered("userinfo"));
        }
        let server = self.server(context, &["token_endpoint", "userinfo_endpoint"])?;
        let origin = server.endpoint("token_endpoint")?.origin();
        let endpoint = server.endpoint_beside("userinfo_endpoint", &origin)?;
        let endpoint = endpoint.ok_or(ProviderError::NotOffered("userinfo"))?;
        let request = userinfo::request(&endpoint, token, &self.transport);
        Ok(userinfo::response(&context.system.http.send(&request)?, subject)?)
    }
}
