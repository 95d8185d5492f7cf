//! Client-initiated backchannel authentication (OpenID CIBA Core 1.0), poll mode: the user approves on a device that
//! the server knows.

use super::build_context::BuildContext;
use super::context::Context;
use super::error::ProviderError;
use super::grant::Login;
use super::kind::Kind;
use super::polled_login::{PollRequest, PolledLogin};
use super::request::LoginRequest;
use super::token_provider::TokenProvider;
use crate::oauth::ciba;
use crate::oauth::pkce::random_text;
use crate::provider::client;
use crate::provider::client::OAuthClient;
use crate::schema::{Key, Problem, Section, Shape};

/// The length of a binding message: short enough to compare on a small screen.
const BINDING_MESSAGE_LENGTH: usize = 6;

const ENDPOINT: &str = "backchannel_authentication_endpoint";

pub const KIND: Kind = Kind {
    name: "oauth",
    alias: None,
    grants: &["ciba", ciba::GRANT_TYPE],
    shorthand: None,
    about: "OpenID Connect CIBA: the user approves on a device that the server knows",
    keys: &[
        client::KEYS,
        &[&Key::new("login_hint", Shape::Text, "The user who must approve, as the server knows them")
            .required()],
    ],
    open: false,
    variables: &[],
    runs_program: false,
    build,
};

struct Ciba {
    oauth: OAuthClient,
    login_hint: String,
}

fn build(section: &Section, build: &BuildContext) -> Result<Box<dyn TokenProvider>, Vec<Problem>> {
    // CIBA Core section 7.1: the client authenticates.
    let oauth = OAuthClient::read_confidential(section, build)?;
    let login_hint = section.text("login_hint").unwrap_or_default().to_owned();
    Ok(Box::new(Ciba { oauth, login_hint }))
}

impl TokenProvider for Ciba {
    fn oauth(&self) -> Option<&OAuthClient> {
        Some(&self.oauth)
    }

    fn is_interactive(&self) -> bool {
        true
    }

    fn login(&self, context: &Context<'_>, request: &LoginRequest) -> Result<Login, ProviderError> {
        let polled = PolledLogin::prepare(&self.oauth, context, request, ENDPOINT)?;
        let mut form = polled.form(context)?;
        form.set("login_hint", &self.login_hint);
        // Both devices show the same word, so that the user approves this request and no other (CIBA Core section 7.1).
        let message: String = random_text(&*context.system.random)
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|character| character.to_ascii_uppercase())
            .take(BINDING_MESSAGE_LENGTH)
            .collect();
        form.set("binding_message", &message);
        let response = self.oauth.post(context, &polled.server, &polled.binding, ENDPOINT, &form, None)?;
        let asked = ciba::response(&response)?;
        context.system.prompter.approve(&message);
        let poll = PollRequest {
            grant_type: ciba::GRANT_TYPE,
            parameter: "auth_req_id",
            code: &asked.request_id,
            lifetime: asked.lifetime,
            interval: asked.interval,
            link: None,
        };
        polled.log_in(context, poll, request.timeout)
    }
}
