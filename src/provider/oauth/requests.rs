//! The token requests of an OAuth client, and the check of the id token that comes along.

use super::super::{Context, Grant, ProviderError, TokenRequest};
use super::{OAuth, Server};
use crate::binding::Binding;
use crate::console::with_causes;
use crate::discovery;

use crate::name::ScopeSet;
use crate::oauth::dpop::{self, Prover};
use crate::oauth::form::{FORM, Form};
use crate::oauth::id_token::{self, Claims, Expected, IdTokenError};
use crate::oauth::token_endpoint::{Asked, Exchange, TokenEndpoint};
use crate::ports::{HttpRequest, HttpResponse, Method};
use crate::secret::{ClientSecret, Nonce, SecretText};
use crate::setting::SecretSource;
use crate::store::record::Record;
use crate::token::TokenSet;
use jiff::fmt::rfc2822;

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

impl OAuth {
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
        let make = || Ok(endpoint.request(call.grant_type, call.form, &context.system.moment())?);
        let response = self.send_proved(context, call.prover, &make)?;
        let asked = Asked { dpop: call.prover.is_some(), exchange: call.exchange };
        Ok(endpoint.response(&response, &asked, context.system.clock.now())?)
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
        if is_new && dpop::server_wants_nonce(&response) {
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
        let make = || {
            let mut request = endpoint.request(Method::Post, &transport);
            request.headers.push(("accept", SecretText::new("application/json")));
            let mut form = form.clone();
            client.authenticate(&mut form, &mut request.headers, &context.system.moment())?;
            request.body = Some((FORM, form.encoded()));
            Ok(request)
        };
        self.send_proved(context, prover, &make)
    }

    /// Tokens may be bound to the certificate that was shown for them (RFC 8705 section 3): with another, the server may
    /// refuse, and then the user knows why.
    fn compare_certificate(&self, context: &Context<'_>, record: &Record) -> Result<(), ProviderError> {
        let identity = self.identity(context)?;
        if let (Some(identity), Some(shown)) = (identity, &record.certificate)
            && identity.thumbprint != *shown
        {
            context.system.console.note(format_args!(
                "the certificate has changed since the login; if the server refuses it, run `authctl login {}`",
                context.name
            ));
        }
        Ok(())
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
        Ok(TokenEndpoint::new(url.clone(), &binding, client, self.quirks.clone(), self.transport(context)?)?)
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
        self.add_audience(request, &mut form);
        let prover = self.prover(context, Some(record))?;
        self.compare_certificate(context, record)?;
        let call =
            TokenCall { grant_type: "refresh_token", form: &form, prover: prover.as_deref(), exchange: None };
        let tokens = self.request_tokens(context, &endpoint, &call)?;
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
        if let Some(claims) = &claims {
            let original = record.id_token.as_ref().and_then(id_token::stored_claims);
            id_token::check_refreshed(claims, original.as_ref(), record.subject.as_deref())?;
        }
        let requested_scopes = request.scopes.clone().unwrap_or_else(|| record.requested_scopes.clone());
        let grant = self.grant(context, &server, record.binding.clone(), tokens, requested_scopes)?;
        Ok(Grant { claims, prover, issuer: record.issuer.clone(), ..grant })
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
        let client_secret = match &self.client.secret {
            Some(source) if symmetric => Some(ClientSecret::new(self.resolve(context, source)?.expose())),
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
}

/// The difference of clocks that is told of, in seconds: proofs and assertions are good for about that long.
const NOTABLE_SKEW: i64 = 60;

/// A proof or an assertion that is refused may be the fault of a clock: then the user is told which (RFC 9449 section
/// 11.1).
fn tell_of_clock(context: &Context<'_>, response: &HttpResponse) {
    if !matches!(response.status, 400 | 401) {
        return;
    }
    let sent = response.header("date").and_then(|date| rfc2822::parse(date).ok());
    let Some(sent) = sent else { return };
    let skew = context.system.clock.now().duration_since(sent.timestamp()).as_secs();
    if skew.abs() > NOTABLE_SKEW {
        let direction = if skew > 0 { "ahead of" } else { "behind" };
        context
            .system
            .console
            .note(format_args!("this machine's clock is {} seconds {direction} the server's", skew.abs()));
    }
}
