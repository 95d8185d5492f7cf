//! Client-initiated backchannel authentication (OpenID CIBA Core 1.0), poll mode: the user approves on a device that the
//! server knows.

use super::consent::{Consent, wait_for_tokens};
use super::oauth::{self, OAuth, Presented};
use super::{
    Context, Grant, Issue, IssueRequest, Kind, Login, LoginRequest, Place, ProviderError, TokenProvider,
    TokenRequest,
};
use crate::binding::Binding;
use crate::console::{STRONG, styled};
use crate::oauth::ciba;
use crate::oauth::pkce::random_text;
use crate::oauth::polling::Polling;
use crate::setting::{Key, Problem, Section, Shape};

/// The characters of a binding message: short enough to compare on a small screen.
const BINDING_MESSAGE_LENGTH: usize = 6;

/// The grant `ciba`.
pub const KIND: Kind = Kind {
    name: "oauth",
    alias: None,
    grants: &["ciba", ciba::GRANT_TYPE],
    shorthand: None,
    about: "OpenID Connect CIBA: the user approves on a device that the server knows",
    keys: &[
        oauth::KEYS,
        &[&Key::new("login_hint", Shape::Text, "Who is asked to approve, as the server knows them")
            .required()],
    ],
    open: false,
    runs_program: false,
    build,
};

struct Ciba {
    oauth: OAuth,
    login_hint: String,
}

fn build(section: &Section<'_>, place: &Place) -> Result<Box<dyn TokenProvider>, Vec<Problem>> {
    let oauth = OAuth::read(section, place)?;
    // CIBA Core section 7.1: the client authenticates.
    if !oauth.is_confidential() {
        let problem = section.problem(
            "client_secret",
            "is needed, or a private_key or certificate: only a client that can prove itself has this grant",
        );
        return Err(vec![problem.hiding_value()]);
    }
    let login_hint = section.text("login_hint").unwrap_or_default().to_owned();
    Ok(Box::new(Ciba { oauth, login_hint }))
}

impl TokenProvider for Ciba {
    fn oauth(&self) -> Option<&OAuth> {
        Some(&self.oauth)
    }

    fn is_interactive(&self) -> bool {
        true
    }

    fn issue(&self, _: &Context<'_>, _: &IssueRequest<'_>) -> Result<Issue, ProviderError> {
        Err(ProviderError::NotOffered("tokens without a login"))
    }

    fn login(&self, context: &Context<'_>, request: &LoginRequest) -> Result<Login, ProviderError> {
        let oauth = &self.oauth;
        let scopes = request.scopes.clone().unwrap_or_else(|| oauth.scopes().clone());
        let server = oauth.server(context, &["backchannel_authentication_endpoint", "token_endpoint"])?;
        let binding = server.binding()?;
        let endpoint = oauth.token_endpoint(context, &server, &binding)?;
        let prover = oauth.prover(context, None)?;
        let mut form = oauth.token_form(context, &TokenRequest::default())?;
        form.set("scope", &oauth.scope_text(&scopes));
        form.set("login_hint", &self.login_hint);
        // The same word on both devices: the user approves this request and nobody else's (CIBA Core section 7.1).
        let message: String = random_text(&*context.system.random)
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|character| character.to_ascii_uppercase())
            .take(BINDING_MESSAGE_LENGTH)
            .collect();
        form.set("binding_message", &message);
        let response =
            oauth.post(context, &server, &binding, "backchannel_authentication_endpoint", &form, None)?;
        let asked = ciba::response(&response)?;
        context.system.console.say(format_args!(
            "Approve the request on your device, if it shows the message {}.",
            styled(STRONG, &message)
        ));
        let mut form = oauth.token_form(context, &TokenRequest::default())?;
        form.set("auth_req_id", asked.request_id.expose());
        let consent = Consent {
            oauth,
            endpoint: &endpoint,
            grant_type: ciba::GRANT_TYPE,
            form: &form,
            prover: prover.as_deref(),
            limit: request.timeout.unwrap_or(asked.lifetime).min(asked.lifetime),
        };
        let pace = Polling::new(asked.interval, consent.limit, context.system.clock.elapsed());
        let tokens = wait_for_tokens(context, &consent, pace)?;
        let presented = Presented { client_id: binding.get(Binding::CLIENT_ID), ..Presented::default() };
        let claims = oauth.validate_id_token(context, &server, &tokens, &presented)?;
        let grant = oauth.grant(context, &server, binding, tokens, scopes)?;
        Ok(Login { grant: Grant { claims, prover, ..grant }, page: None })
    }
}
