//! The client credentials grant (RFC 6749 section 4.4).

use super::oauth::{self, OAuth, TokenCall};
use super::{Context, Grant, Issue, IssueRequest, Kind, Place, ProviderError, TokenProvider};
use crate::setting::{Problem, Section};

/// The grant `client_credentials`.
pub const KIND: Kind = Kind {
    name: "oauth",
    alias: None,
    grants: &["client_credentials"],
    shorthand: None,
    about: "OAuth 2.0: the client itself, without a user",
    keys: &[oauth::KEYS],
    open: false,
    runs_program: false,
    build,
};

struct ClientCredentials {
    oauth: OAuth,
}

fn build(section: &Section<'_>, place: &Place) -> Result<Box<dyn TokenProvider>, Vec<Problem>> {
    let oauth = OAuth::read(section, place)?;
    // RFC 6749 section 4.4: "MUST only be used by confidential clients".
    if !oauth.is_confidential() {
        let problem = section.problem(
            "client_secret",
            "is needed, or a private_key or certificate: only a client that can prove itself has this grant",
        );
        return Err(vec![problem.hiding_value()]);
    }
    Ok(Box::new(ClientCredentials { oauth }))
}

impl TokenProvider for ClientCredentials {
    fn oauth(&self) -> Option<&OAuth> {
        Some(&self.oauth)
    }

    fn issue(&self, context: &Context<'_>, request: &IssueRequest<'_>) -> Result<Issue, ProviderError> {
        let wanted = request.wanted;
        let server = self.oauth.server(context, &["token_endpoint"])?;
        let binding = server.binding()?;
        let endpoint = self.oauth.token_endpoint(context, &server, &binding)?;
        let requested_scopes = wanted.scopes.clone().unwrap_or_else(|| self.oauth.scopes().clone());
        let mut form = self.oauth.token_form(context, wanted)?;
        form.set("scope", &self.oauth.scope_text(&requested_scopes));
        self.oauth.add_audience(wanted, &mut form);
        let prover = self.oauth.prover(context, request.stored)?;
        let call = TokenCall {
            grant_type: "client_credentials",
            form: &form,
            prover: prover.as_deref(),
            exchange: None,
        };
        let mut tokens = self.oauth.request_tokens(context, &endpoint, &call)?;
        // RFC 6749 section 4.4.3: "A refresh token SHOULD NOT be included": the secret gets the next token as well.
        tokens.refresh_token = None;
        tokens.id_token = None;
        let grant = self.oauth.grant(context, &server, binding, tokens, requested_scopes)?;
        Ok(Issue::Grant(Box::new(Grant { prover, ..grant })))
    }
}
