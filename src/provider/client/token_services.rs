//! The server's services for issued tokens: revocation, introspection and userinfo.

use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use super::oauth_client::OAuthClient;
use crate::binding::Binding;
use crate::discovery::{self, DiscoveryError};
use crate::oauth::client::Client;
use crate::oauth::dpop;
use crate::oauth::endpoint::EndpointUrl;
use crate::oauth::{introspection, jwt, revocation, userinfo};
use crate::ports::Method;
use crate::provider::context::Context;
use crate::provider::error::ProviderError;
use crate::provider::logout::Revocation;
use crate::store::record::Record;
use crate::token::{Credential, RequestTarget};

impl OAuthClient {
    /// Revokes a record's tokens, the refresh token first (RFC 7009 section 2.1).
    pub fn revoke(&self, context: &Context<'_>, record: &Record) -> Vec<(&'static str, Revocation)> {
        let tokens = record
            .refresh_token
            .iter()
            .map(|token| ("refresh token", "refresh_token", token.expose()))
            .chain(
                record.tokens().map(|token| ("access token", "access_token", token.access_token.expose())),
            );
        let endpoint = if self.can("revoke") {
            self.endpoint_of(context, record, "revocation_endpoint")
        } else {
            Ok(None)
        };
        let mut outcomes = Vec::new();
        match endpoint {
            Ok(None) => outcomes.extend(tokens.take(1).map(|(kind, ..)| (kind, Revocation::NotOffered))),
            Err(error) => outcomes.push(("token", Revocation::Failed(error))),
            Ok(Some((endpoint, client))) => {
                for (kind, hint, token) in tokens {
                    let outcome = self.revoke_one(context, &endpoint, &client, token, hint);
                    outcomes.push((kind, outcome.map_or_else(Revocation::Failed, |()| Revocation::Revoked)));
                }
            }
        }
        outcomes
    }

    fn revoke_one(
        &self,
        context: &Context<'_>,
        endpoint: &EndpointUrl,
        client: &Client,
        token: &str,
        hint: &str,
    ) -> Result<(), ProviderError> {
        let transport = self.transport(context)?;
        let request = client.token_request(endpoint, token, hint, &transport, &context.system.moment())?;
        Ok(revocation::response(&context.system.http.send(&request)?)?)
    }

    /// Whether one of the server's keys signed a token. If no cached key did, the keys are fetched again (OpenID
    /// Connect Core section 10.1.1).
    pub fn has_signed(
        &self,
        context: &Context<'_>,
        token: &str,
        algorithm: Algorithm,
        key_id: Option<&str>,
    ) -> Result<bool, ProviderError> {
        let uri = self.server(context, &["jwks_uri"])?.endpoint("jwks_uri")?;
        let made = |fresh| {
            let keys = discovery::key_set(context.system, &uri, &self.transport, fresh)?;
            Ok::<_, ProviderError>(jwt::is_signed_by(token, &keys, algorithm, key_id))
        };
        Ok(made(context.refresh_metadata)? || made(true)?)
    }

    /// Introspects a token at the server (RFC 7662); `None` if the server does not support that.
    pub fn introspect(
        &self,
        context: &Context<'_>,
        record: &Record,
        token: &str,
        hint: &str,
    ) -> Result<Option<Map<String, Value>>, ProviderError> {
        if !self.can("introspect") {
            return Ok(None);
        }
        let Some((endpoint, client)) = self.endpoint_of(context, record, "introspection_endpoint")? else {
            return Ok(None);
        };
        let transport = self.transport(context)?;
        let request = client.token_request(&endpoint, token, hint, &transport, &context.system.moment())?;
        Ok(Some(introspection::response(&context.system.http.send(&request)?)?))
    }

    /// An endpoint that may receive this record's tokens, because it belongs to the server that they are bound to.
    fn endpoint_of(
        &self,
        context: &Context<'_>,
        record: &Record,
        name: &str,
    ) -> Result<Option<(EndpointUrl, Client)>, ProviderError> {
        let server = match self.server(context, &[name]) {
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
        let Some(endpoint) = server.endpoint_beside(name, bound)? else { return Ok(None) };
        let client_id = record.binding.get(Binding::CLIENT_ID).unwrap_or_default();
        let client = self.client(context, &server, client_id)?;
        Ok(Some((endpoint, client)))
    }

    /// Gets the user of an access token.
    pub fn userinfo(
        &self,
        context: &Context<'_>,
        credential: &Credential,
        subject: Option<&str>,
    ) -> Result<Map<String, Value>, ProviderError> {
        if !self.can("userinfo") {
            return Err(ProviderError::NotOffered("userinfo"));
        }
        let server = self.server(context, &["token_endpoint", "userinfo_endpoint"])?;
        let origin = server.endpoint("token_endpoint")?.origin();
        let endpoint = server.endpoint_beside("userinfo_endpoint", &origin)?;
        let endpoint = endpoint.ok_or(ProviderError::NotOffered("userinfo"))?;
        let mut target = RequestTarget {
            method: Method::Get.as_str().to_owned(),
            url: endpoint.url().clone(),
            dpop_nonce: None,
        };
        let send = |target: &RequestTarget| {
            let request = userinfo::request(&endpoint, credential, target, &self.transport(context)?)?;
            Ok::<_, ProviderError>(context.system.http.send(&request)?)
        };
        let mut response = send(&target)?;
        if dpop::resource_wants_nonce(&response) {
            // RFC 9449 section 9: a second attempt with the server's nonce and a new proof.
            target.dpop_nonce = dpop::nonce(&response).map(str::to_owned);
            response = send(&target)?;
        }
        Ok(userinfo::response(&response, subject)?)
    }
}
