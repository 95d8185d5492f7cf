//! Sends an OAuth client's requests to its server's endpoints.

use super::clock_skew::note_clock_skew;
use super::oauth_client::OAuthClient;
use super::server::Server;
use crate::binding::Binding;
use crate::name::ScopeSet;
use crate::oauth::dpop::{self, Prover};
use crate::oauth::form::Form;
use crate::oauth::rotation;
use crate::oauth::token_endpoint::{Asked, Exchange, TokenEndpoint};
use crate::ports::{HttpRequest, HttpResponse};
use crate::provider::context::Context;
use crate::provider::error::ProviderError;
use crate::provider::grant::Grant;
use crate::token::TokenSet;

#[derive(Debug, Clone, Copy)]
pub struct TokenCall<'a> {
    pub grant_type: &'a str,
    /// Its parameters, in addition to the grant type and the client's authentication.
    pub form: &'a Form,
    /// Proves the key that the tokens will be bound to.
    pub prover: Option<&'a Prover>,
    /// The details of a token exchange.
    pub exchange: Option<Exchange<'a>>,
}

impl OAuthClient {
    pub fn request_tokens(
        &self,
        context: &Context<'_>,
        endpoint: &TokenEndpoint,
        call: &TokenCall<'_>,
    ) -> Result<TokenSet, ProviderError> {
        let response = self.send_call(context, endpoint, call)?;
        let asked = Asked { dpop: call.prover.is_some(), exchange: call.exchange };
        Ok(endpoint.response(&response, &asked, context.system.clock.now())?)
    }

    pub(crate) fn send_call(
        &self,
        context: &Context<'_>,
        endpoint: &TokenEndpoint,
        call: &TokenCall<'_>,
    ) -> Result<HttpResponse, ProviderError> {
        let make = || Ok(endpoint.request(call.grant_type, call.form, &context.system.moment())?);
        self.send_proved(context, call.prover, &make)
    }

    /// Sends a request that `make` builds for each attempt: with a proof if tokens are bound to a key, and a second
    /// time if the server requires a nonce in it (RFC 9449 section 8).
    pub fn send_proved(
        &self,
        context: &Context<'_>,
        prover: Option<&Prover>,
        make: &dyn Fn() -> Result<HttpRequest, ProviderError>,
    ) -> Result<HttpResponse, ProviderError> {
        let send = || {
            let mut request = make()?;
            if let Some(prover) = prover {
                let proof = prover.proof(request.method.as_str(), &request.url, None, None)?;
                request.headers.push(("dpop", proof));
            }
            let response = context.system.http.send(&request)?;
            let is_new = prover.is_some_and(|prover| prover.learn(&request.url, &response));
            Ok::<_, ProviderError>((response, is_new))
        };
        let (mut response, is_new) = send()?;
        // A server that has rotated the refresh token must not receive the old one again.
        let is_final = rotation::carried(&response, &self.quirks).is_some();
        if is_new && !is_final && dpop::server_wants_nonce(&response) {
            (response, _) = send()?;
        }
        note_clock_skew(context, &response);
        Ok(response)
    }

    /// Sends a form with the client's authentication to one of the server's endpoints. The endpoint must belong to the
    /// server in the binding.
    pub fn post(
        &self,
        context: &Context<'_>,
        server: &Server<'_>,
        binding: &Binding,
        name: &str,
        form: &Form,
        prover: Option<&Prover>,
    ) -> Result<HttpResponse, ProviderError> {
        let bound = binding.get(Binding::TOKEN_ENDPOINT).unwrap_or_default();
        let endpoint = server.endpoint_beside(name, bound)?.ok_or_else(|| ProviderError::Unconfigured {
            message: format!("the server's `{name}` and its token endpoint are on different servers"),
            hint: Some(format!("if that is right, set `{name}` in the configuration")),
        })?;
        let client = self.client(context, server, binding.get(Binding::CLIENT_ID).unwrap_or_default())?;
        let transport = self.transport(context)?;
        let make = || Ok(client.request(&endpoint, form, &transport, &context.system.moment())?);
        self.send_proved(context, prover, &make)
    }

    /// The token endpoint of a binding. Fails if the server has moved to another origin.
    pub fn token_endpoint(
        &self,
        context: &Context<'_>,
        server: &Server<'_>,
        binding: &Binding,
    ) -> Result<TokenEndpoint, ProviderError> {
        let url = server.endpoint("token_endpoint")?;
        let client = self.client(context, server, binding.get(Binding::CLIENT_ID).unwrap_or_default())?;
        Ok(TokenEndpoint::new(url, binding, client, self.quirks.clone(), self.transport(context)?)?)
    }

    /// A grant with these tokens, from this server to the configured client.
    pub fn grant(
        &self,
        context: &Context<'_>,
        server: &Server<'_>,
        binding: Binding,
        tokens: TokenSet,
        requested_scopes: ScopeSet,
    ) -> Result<Grant, ProviderError> {
        Ok(Grant {
            tokens,
            binding,
            issuer: Some(server.issuer()),
            claims: None,
            requested_scopes,
            prover: None,
            certificate: self.identity(context)?.map(|identity| identity.thumbprint),
        })
    }
}
