//! The device authorization grant (RFC 8628): the user enters a code on this or another device.

use super::browser::{open_browser, wants_browser};
use super::build_context::BuildContext;
use super::context::Context;
use super::error::ProviderError;
use super::grant::Login;
use super::kind::Kind;
use super::polled_login::{PollRequest, PolledLogin};
use super::request::LoginRequest;
use super::token_provider::TokenProvider;
use crate::loopback::LinkServer;
use crate::oauth::device::{self, DeviceAuthorization};
use crate::ports::prompter::CodeEntry;
use crate::provider::client;
use crate::provider::client::OAuthClient;
use crate::schema::{Problem, Section};

const ENDPOINT: &str = "device_authorization_endpoint";

pub const KIND: Kind = Kind {
    name: "oauth",
    alias: None,
    grants: &["device_code", device::GRANT_TYPE],
    shorthand: None,
    about: "OAuth 2.0: the user enters a code on another device",
    keys: &[client::KEYS],
    open: false,
    variables: &[],
    runs_program: false,
    build,
};

struct DeviceCodeGrant {
    oauth: OAuthClient,
}

fn build(section: &Section, build: &BuildContext) -> Result<Box<dyn TokenProvider>, Vec<Problem>> {
    Ok(Box::new(DeviceCodeGrant { oauth: OAuthClient::read(section, build)? }))
}

impl TokenProvider for DeviceCodeGrant {
    fn oauth(&self) -> Option<&OAuthClient> {
        Some(&self.oauth)
    }

    fn is_interactive(&self) -> bool {
        true
    }

    fn login(&self, context: &Context<'_>, request: &LoginRequest) -> Result<Login, ProviderError> {
        log_in(&self.oauth, context, request)
    }
}

/// Logs in with a code, whatever the configured grant.
pub fn log_in(
    oauth: &OAuthClient,
    context: &Context<'_>,
    request: &LoginRequest,
) -> Result<Login, ProviderError> {
    let polled = PolledLogin::prepare(oauth, context, request, ENDPOINT)?;
    let form = polled.form(context)?;
    let prover = polled.prover.as_deref();
    let response = oauth.post(context, &polled.server, &polled.binding, ENDPOINT, &form, prover)?;
    let codes = device::response(&response, oauth.issuer())?;
    let link = show(context, &codes, request);
    let poll = PollRequest {
        grant_type: device::GRANT_TYPE,
        parameter: "device_code",
        code: &codes.device_code,
        lifetime: codes.lifetime,
        interval: codes.interval,
        link,
    };
    polled.log_in(context, poll, request.timeout)
}

/// Shows the code and the address to enter it at, and opens a browser there. Returns the server of the browser's
/// one-time link.
fn show(context: &Context<'_>, codes: &DeviceAuthorization, request: &LoginRequest) -> Option<LinkServer> {
    let prompter = &context.system.prompter;
    let target = codes.verification_uri_complete.as_ref().unwrap_or(&codes.verification_uri);
    prompter.enter_code(&CodeEntry {
        code: &codes.user_code,
        url: codes.verification_uri.url(),
        complete_url: target.url(),
    });
    // The address may contain the code, which is enough to approve this login as someone else.
    let server = wants_browser(context, &request.browser)
        .then(|| LinkServer::start(target.url(), &*context.system.random).ok())
        .flatten()?;
    open_browser(context, server.link(), &request.browser).then(|| {
        prompter.opened_code_page();
        server
    })
}
