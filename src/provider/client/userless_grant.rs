//! Gets a token without a login.

use super::oauth_client::OAuthClient;
use super::requests::TokenCall;
use super::server::Server;
use crate::oauth::form::Form;
use crate::oauth::token_endpoint::{Exchange, TokenEndpoint};
use crate::provider::context::Context;
use crate::provider::error::ProviderError;
use crate::provider::grant::{Grant, IssueOutcome};
use crate::provider::request::IssueRequest;

/// A grant that needs no login.
pub struct UserlessGrant<'a> {
    pub grant_type: &'a str,
    /// The details of a token exchange.
    pub exchange: Option<Exchange<'a>>,
    /// Adds the grant's own parameters.
    pub fill: &'a dyn Fn(&Server<'_>, &TokenEndpoint, &mut Form) -> Result<(), ProviderError>,
}

impl OAuthClient {
    /// Gets a token without a login, and uses only the response's access token. The same request gets the next token as
    /// well; a refresh token would belong to one subject, while the record may have several.
    pub fn issue(
        &self,
        context: &Context<'_>,
        request: &IssueRequest<'_>,
        grant: &UserlessGrant<'_>,
    ) -> Result<IssueOutcome, ProviderError> {
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
        Ok(IssueOutcome::Grant(Box::new(Grant { prover, ..grant })))
    }
}
