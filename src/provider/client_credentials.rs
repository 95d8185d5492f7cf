//! The client credentials grant (RFC 6749 section 4.4).

use super::oauth::{self, OAuth};
use super::{Context, Grant, Issue, Kind, Place, ProviderError, TokenProvider, TokenRequest};
use crate::setting::{Problem, Section};

/// The grant `client_credentials`.
pub const KIND: Kind = Kind {
    name: "oauth",
    alias: None,
    grant: Some("client_credentials"),
    shorthand: None,
    about: "OAuth 2.0: the client itself, without a user",
    keys: &[oauth::KEYS],
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
        let problem =
            section.problem("client_secret", "is needed: only a client with a secret has this grant");
        return Err(vec![problem.hiding_value()]);
    }
    Ok(Box::new(ClientCredentials { oauth }))
}

impl TokenProvider for ClientCredentials {
    fn oauth(&self) -> Option<&OAuth> {
        Some(&self.oauth)
    }

    fn issue(&self, context: &Context<'_>, request: &TokenRequest) -> Result<Issue, ProviderError> {
        let server = self.oauth.server(context, &["token_endpoint"])?;
        let binding = server.binding()?;
        let endpoint = self.oauth.token_endpoint(context, &server, &binding)?;
        let requested_scopes = request.scopes.clone().unwrap_or_else(|| self.oauth.scopes().clone());
        let mut form = self.oauth.token_form(context, request)?;
        form.set("scope", &self.oauth.scope_text(&requested_scopes));
        for audience in self.oauth.audience(request) {
            form.add("audience", audience);
        }
        let response = context.system.http.send(&endpoint.request("client_credentials", form))?;
        let mut tokens = endpoint.response(&response, context.system.clock.now())?;
        // RFC 6749 section 4.4.3: "A refresh token SHOULD NOT be included": the secret gets the next token as well.
        tokens.refresh_token = None;
        tokens.id_token = None;
        Ok(Issue::Grant(Box::new(Grant {
            tokens,
            binding,
            issuer: Some(server.issuer()),
            claims: None,
            requested_scopes,
        })))
    }
}
