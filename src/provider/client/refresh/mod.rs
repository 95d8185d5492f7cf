//! Refreshes (RFC 6749 section 6).

use std::rc::Rc;

use super::id_token::AuthenticationRequest;
use super::oauth_client::OAuthClient;
use super::requests::TokenCall;
use super::server::Server;
use crate::binding::Binding;
use crate::name::ScopeSet;
use crate::oauth::answer::EndpointError;
use crate::oauth::dpop::Prover;
use crate::oauth::form::Form;
use crate::oauth::id_token::{self, Claims, Owner};
use crate::oauth::quirks::Quirks;
use crate::oauth::rotation::{self, Carried};
use crate::oauth::token_endpoint::{Asked, TokenEndpoint};
use crate::ports::HttpResponse;
use crate::provider::context::Context;
use crate::provider::error::ProviderError;
use crate::provider::grant::Grant;
use crate::provider::refresh::{PreparedRefresh, RefreshOutcome};
use crate::provider::request::TokenRequest;
use crate::store::record::Record;
use crate::text::causes::with_causes;
use crate::token::TokenSet;

/// A refresh at a token endpoint, ready to be sent.
pub struct PreparedTokenRefresh<'a> {
    oauth: &'a OAuthClient,
    context: &'a Context<'a>,
    server: Server<'a>,
    endpoint: TokenEndpoint,
    form: Form,
    prover: Option<Rc<Prover>>,
    record: Record,
    original: Option<Claims>,
    requested_scopes: ScopeSet,
}

impl OAuthClient {
    /// Prepares a refresh, without sending the refresh token. It sends a scope only if the request needs less than was
    /// granted (RFC 6749 section 6).
    pub fn prepare_refresh<'a>(
        &'a self,
        context: &'a Context<'a>,
        record: &Record,
        request: &TokenRequest,
    ) -> Result<PreparedTokenRefresh<'a>, ProviderError> {
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
        let prover = self.stored_prover(context, record)?;
        if self.use_dpop && prover.is_none() {
            context.system.prompter.note(&format_args!(
                "`use_dpop` was not set when you logged in: run `authctl login {}` to get tokens that are bound to a key",
                context.name
            ));
        }
        self.compare_certificate(context, record)?;
        let last = || record.id_token.as_ref().and_then(id_token::stored_claims);
        Ok(PreparedTokenRefresh {
            oauth: self,
            context,
            server,
            endpoint,
            form,
            prover,
            original: record.login_claims.clone().map(Claims::known).or_else(last),
            requested_scopes: request.scopes.clone().unwrap_or_else(|| record.requested_scopes.clone()),
            record: record.clone(),
        })
    }

    /// The configured endpoint for refreshes, or the token endpoint.
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

    /// Tokens may be bound to the certificate that was used to get them (RFC 8705 section 3). With another certificate
    /// the server may reject the refresh, and the note tells the user why.
    fn compare_certificate(&self, context: &Context<'_>, record: &Record) -> Result<(), ProviderError> {
        let identity = self.identity(context)?;
        if let (Some(identity), Some(shown)) = (identity, &record.certificate)
            && identity.thumbprint != *shown
        {
            context.system.prompter.note(&format_args!(
                "the certificate has changed since the login; if the server rejects it, run `authctl login {}`",
                context.name
            ));
        }
        Ok(())
    }
}

impl PreparedRefresh for PreparedTokenRefresh<'_> {
    fn send(&self) -> RefreshOutcome {
        let prover = self.prover.as_deref();
        let call = TokenCall { grant_type: "refresh_token", form: &self.form, prover, exchange: None };
        let answer = self.oauth.send_call(self.context, &self.endpoint, &call);
        let now = self.context.system.clock.now();
        let asked = Asked { dpop: prover.is_some(), exchange: None };
        let issuer = self.server.issuer();
        let owner = Owner {
            issuer: self.oauth.accepted_issuer(&issuer),
            original: self.original.as_ref(),
            subject: self.record.subject.as_deref(),
        };
        // A server that is configured to issue no ID tokens may send anything under that name.
        let owner = self.oauth.can("id_token").then_some(&owner);
        let read = |response: &HttpResponse| self.endpoint.response(response, &asked, now);
        classify(answer, read, &self.oauth.quirks, owner)
    }

    fn judge(&self, tokens: TokenSet) -> Result<Grant, ProviderError> {
        let client_id = self.record.binding.get(Binding::CLIENT_ID);
        let authentication = AuthenticationRequest { client_id, ..AuthenticationRequest::default() };
        let claims = match self.oauth.validate_id_token(self.context, &self.server, &tokens, &authentication)
        {
            Ok(claims) => claims,
            Err(ProviderError::IdToken(error)) if !error.is_about_time() => return Err(error.into()),
            // A wrong clock or an unavailable key set says nothing about the access token.
            Err(error) => {
                let reason = with_causes(&error);
                self.context.system.prompter.note(&format_args!(
                    "the new ID token was not saved, because it could not be checked: {reason}"
                ));
                None
            }
        };
        if let Some(claims) = &claims {
            id_token::check_refreshed(claims, self.original.as_ref(), self.record.subject.as_deref())?;
        }
        let (binding, scopes) = (self.record.binding.clone(), self.requested_scopes.clone());
        let grant = self.oauth.grant(self.context, &self.server, binding, tokens, scopes)?;
        Ok(Grant { claims, prover: self.prover.clone(), issuer: self.record.issuer.clone(), ..grant })
    }
}

/// Classifies the response to a refresh. If its ID token names another user or issuer, the whole response is rejected.
fn classify(
    answer: Result<HttpResponse, ProviderError>,
    read: impl Fn(&HttpResponse) -> Result<TokenSet, EndpointError>,
    quirks: &Quirks,
    owner: Option<&Owner<'_>>,
) -> RefreshOutcome {
    let response = match answer {
        Ok(response) => response,
        Err(ProviderError::Http(error)) if error.may_have_been_sent() => {
            let partial = error.partial_answer();
            let carried = partial.and_then(|partial| rotation::carried_by_partial(partial, quirks));
            return settled(Err(error.into()), carried, owner, |_| false);
        }
        Err(error) => return RefreshOutcome::NotSent(error),
    };
    let carried = rotation::carried(&response, quirks);
    // A failing gateway may return anything, although the server behind it has rotated the token.
    let is_clear = matches!(response.status, 200..=299 | 400..=499) && response.status != 408;
    let is_refusal = |problem: &ProviderError| match problem {
        ProviderError::Token(EndpointError::Refused(refusal)) => {
            is_clear && rotation::is_refusal(&refusal.code)
        }
        _ => false,
    };
    settled(read(&response).map_err(ProviderError::from), carried, owner, is_refusal)
}

/// The outcome of the response, unless its ID token belongs to another user.
fn settled(
    read: Result<TokenSet, ProviderError>,
    carried: Option<Carried>,
    owner: Option<&Owner<'_>>,
    is_refusal: impl Fn(&ProviderError) -> bool,
) -> RefreshOutcome {
    let id_token = match &read {
        Ok(tokens) => tokens.id_token.as_ref(),
        Err(_) => carried.as_ref().and_then(|carried| carried.id_token.as_ref()),
    };
    if let (Some(owner), Some(id_token)) = (owner, id_token)
        && let Err(error) = owner.check(id_token)
    {
        return RefreshOutcome::Unknown(error.into());
    }
    RefreshOutcome::of(read, carried, is_refusal)
}

#[cfg(test)]
mod tests;
