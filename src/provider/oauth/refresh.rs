//! Refreshes (RFC 6749 section 6), and what of the answer is kept.

use super::super::{Context, Grant, ProviderError, TokenRequest};
use super::{OAuth, Presented, Server, TokenCall};
use crate::binding::Binding;
use crate::console::with_causes;
use crate::oauth::id_token::{self, Claims};
use crate::oauth::token_endpoint::{Asked, TokenEndpoint};
use crate::store::record::Record;

impl OAuth {
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
        let prover = self.prover_of(context, record)?;
        if self.use_dpop && prover.is_none() {
            context.system.console.note(format_args!(
                "the configuration now binds tokens to a key (use_dpop), and this login does not: run `authctl login {}` for it",
                context.name
            ));
        }
        self.compare_certificate(context, record)?;
        let call =
            TokenCall { grant_type: "refresh_token", form: &form, prover: prover.as_deref(), exchange: None };
        let response = self.send_call(context, &endpoint, &call)?;
        let now = context.system.clock.now();
        let asked = Asked { dpop: prover.is_some(), exchange: None };
        let (tokens, refused) = match endpoint.response(&response, &asked, now) {
            Ok(tokens) => (tokens, None),
            // A token that is not bound is not used (J8), but the server may have ended the old refresh token.
            Err(error) => match endpoint.response(&response, &Asked::default(), now) {
                Ok(tokens) if prover.is_some() => (tokens, Some(error)),
                _ => return Err(error.into()),
            },
        };
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
            let last = || record.id_token.as_ref().and_then(id_token::stored_claims);
            let original = record.login_claims.clone().map(Claims::known).or_else(last);
            id_token::check_refreshed(claims, original.as_ref(), record.subject.as_deref())?;
        }
        let requested_scopes = request.scopes.clone().unwrap_or_else(|| record.requested_scopes.clone());
        let grant = self.grant(context, &server, record.binding.clone(), tokens, requested_scopes)?;
        Ok(Grant { claims, prover, refused, issuer: record.issuer.clone(), ..grant })
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
}
