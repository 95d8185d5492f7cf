//! The token requests of an OAuth client, and the check of the id token that comes along.

use super::oauth_client::OAuthClient;
use super::server::Server;
use crate::binding::Binding;
use crate::name::ScopeSet;
use crate::oauth::dpop::{self, Prover};
use crate::oauth::form::Form;
use crate::oauth::token_endpoint::{Asked, Exchange, TokenEndpoint};
use crate::oauth::{json, rotation};
use crate::ports::{HttpRequest, HttpResponse};
use crate::provider::context::Context;
use crate::provider::error::ProviderError;
use crate::provider::grant::{Grant, Issue};
use crate::provider::request::{IssueRequest, TokenRequest};
use crate::schema::SecretSource;
use crate::token::TokenSet;
use jiff::fmt::rfc2822;

use std::collections::BTreeMap;

/// A token request.
#[derive(Debug, Clone, Copy)]
pub struct TokenCall<'a> {
    /// Its `grant_type`.
    pub grant_type: &'a str,
    /// Its parameters beside that and the client's authentication.
    pub form: &'a Form,
    /// What proves the key that the tokens are to be bound to.
    pub prover: Option<&'a Prover>,
    /// What a token exchange asks for.
    pub exchange: Option<Exchange<'a>>,
}

/// A grant that goes without the user.
pub struct UserlessGrant<'a> {
    /// Its `grant_type`.
    pub grant_type: &'a str,
    /// What a token exchange asks for.
    pub exchange: Option<Exchange<'a>>,
    /// Adds what is its own to the request.
    pub fill: &'a dyn Fn(&Server<'_>, &TokenEndpoint, &mut Form) -> Result<(), ProviderError>,
}

impl OAuthClient {
    /// Sends a token request and reads the tokens.
    ///
    /// # Errors
    /// [`ProviderError`].
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

    /// Sends a token request.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub(crate) fn send_call(
        &self,
        context: &Context<'_>,
        endpoint: &TokenEndpoint,
        call: &TokenCall<'_>,
    ) -> Result<HttpResponse, ProviderError> {
        let make = || Ok(endpoint.request(call.grant_type, call.form, &context.system.moment())?);
        self.send_proved(context, call.prover, &make)
    }

    /// Gets a token without the user: the request as the grant fills it, and of the answer the access token alone. What got
    /// it gets the next one as well; a refresh token would be of one subject where the record may be of several.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub fn issue(
        &self,
        context: &Context<'_>,
        request: &IssueRequest<'_>,
        grant: &UserlessGrant<'_>,
    ) -> Result<Issue, ProviderError> {
        let server = self.server(context, &["token_endpoint"])?;
        let binding = server.binding()?;
        let endpoint = self.token_endpoint(context, &server, &binding)?;
        let scopes = request.wanted.scopes.clone().unwrap_or_else(|| self.scopes().clone());
        let mut form = self.token_form(context, request.wanted)?;
        form.set("scope", &self.scope_text(&scopes));
        self.add_audience(request.wanted, &mut form);
        (grant.fill)(&server, &endpoint, &mut form)?;
        let prover = self.new_prover(context, request.stored)?;
        let call = TokenCall {
            grant_type: grant.grant_type,
            form: &form,
            prover: prover.as_deref(),
            exchange: grant.exchange,
        };
        let tokens = self.request_tokens(context, &endpoint, &call);
        let mut tokens = tokens.map_err(|error| match error {
            ProviderError::Token(error) if error.is("invalid_grant") => ProviderError::GrantRefused(error),
            error => error,
        })?;
        tokens.refresh_token = None;
        tokens.id_token = None;
        let grant = self.grant(context, &server, binding, tokens, scopes)?;
        Ok(Issue::Grant(Box::new(Grant { prover, ..grant })))
    }

    /// Sends a request that is made anew for each try: with a proof where tokens are bound to a key, and once more where
    /// the server wants its nonce in that (RFC 9449 section 8).
    ///
    /// # Errors
    /// [`ProviderError`].
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
        // A server that has rotated the refresh token must not be sent the old one again.
        let is_final = rotation::carried(&response, &self.quirks).is_some();
        if is_new && !is_final && dpop::server_wants_nonce(&response) {
            (response, _) = send()?;
        }
        tell_of_clock(context, &response);
        Ok(response)
    }

    /// Sends a form with the client's authentication to one of the server's endpoints, which must be of the server that the
    /// binding names.
    ///
    /// # Errors
    /// [`ProviderError`].
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
            message: format!("the server names a `{name}` of another server than its token endpoint"),
            hint: Some(format!("if that is right, set {name} in the configuration")),
        })?;
        let client = self.client(context, server, binding.get(Binding::CLIENT_ID).unwrap_or_default())?;
        let transport = self.transport(context)?;
        let make = || Ok(client.request(&endpoint, form, &transport, &context.system.moment())?);
        self.send_proved(context, prover, &make)
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
        Ok(TokenEndpoint::new(url, binding, client, self.quirks.clone(), self.transport(context)?)?)
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
        for (name, source) in parameters {
            form.set(name, self.resolve(context, source)?.expose());
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

    /// What these tokens are: the configured client's, from this server.
    ///
    /// # Errors
    /// [`ProviderError::Certificate`], [`ProviderError::Secret`].
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

    /// Adds `audience`.
    pub fn add_audience(&self, request: &TokenRequest, form: &mut Form) {
        for audience in self.audience(request) {
            form.add("audience", audience);
        }
    }

    /// Adds `resource`, the same in every request (S2), unless the server chokes on it (S5).
    pub fn add_resource(&self, request: &TokenRequest, form: &mut Form) {
        for resource in self.resource(request).iter().filter(|_| !self.quirks.no_resource) {
            form.add("resource", resource);
        }
    }
}

/// The difference of clocks that is told of, in seconds: proofs and assertions are good for about that long.
const NOTABLE_SKEW: i64 = 60;

/// A proof or an assertion that is refused may be the fault of a clock: then the user is told which (RFC 9449 section
/// 11.1).
fn tell_of_clock(context: &Context<'_>, response: &HttpResponse) {
    // What else is refused, a wrong clock is not the reason of.
    let about_time = ["invalid_client", "invalid_dpop_proof", "invalid_grant"];
    let error = json::object(&response.body).ok().and_then(|object| object.get("error").cloned());
    if !error.is_some_and(|error| about_time.iter().any(|code| error == *code)) {
        return;
    }
    let sent = response.header("date").and_then(|date| rfc2822::parse(date).ok());
    let Some(sent) = sent else { return };
    let skew = context.system.clock.now().duration_since(sent.timestamp()).as_secs();
    if skew.abs() > NOTABLE_SKEW {
        let direction = if skew > 0 { "ahead of" } else { "behind" };
        context
            .system
            .prompter
            .note(&format_args!("this machine's clock is {} seconds {direction} the server's", skew.abs()));
    }
}
