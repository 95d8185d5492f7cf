//! The device authorization grant (RFC 8628): the user enters a code on this or another device.

use super::browser::{open_browser, wants_browser};
use super::build_context::BuildContext;
use super::consent::{Consent, Ticket};
use super::context::Context;
use super::error::ProviderError;
use super::grant::{Issue, Login};
use super::kind::Kind;
use super::request::{IssueRequest, LoginRequest};
use super::token_provider::TokenProvider;
use crate::loopback::LinkServer;
use crate::oauth::device::{self, DeviceAuthorization};
use crate::oauth::endpoint::EndpointUrl;
use crate::ports::Stream;
use crate::ports::console::{FAINT, HINT, STRONG, styled};
use crate::provider::client;
use crate::provider::client::OAuthClient;
use crate::schema::{Problem, Section};
use crate::text::untrusted::escaped;

/// Where the codes come from.
const ENDPOINT: &str = "device_authorization_endpoint";

/// The grant `device_code`.
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

fn build(section: &Section<'_>, build: &BuildContext) -> Result<Box<dyn TokenProvider>, Vec<Problem>> {
    Ok(Box::new(DeviceCodeGrant { oauth: OAuthClient::read(section, build)? }))
}

impl TokenProvider for DeviceCodeGrant {
    fn oauth(&self) -> Option<&OAuthClient> {
        Some(&self.oauth)
    }

    fn is_interactive(&self) -> bool {
        true
    }

    fn issue(&self, _: &Context<'_>, _: &IssueRequest<'_>) -> Result<Issue, ProviderError> {
        Err(ProviderError::NotOffered("tokens without a login"))
    }

    fn login(&self, context: &Context<'_>, request: &LoginRequest) -> Result<Login, ProviderError> {
        log_in(&self.oauth, context, request)
    }
}

/// Logs in with a code, whatever grant is configured.
///
/// # Errors
/// [`ProviderError`].
pub fn log_in(
    oauth: &OAuthClient,
    context: &Context<'_>,
    request: &LoginRequest,
) -> Result<Login, ProviderError> {
    let consent = Consent::prepare(oauth, context, request, ENDPOINT)?;
    let form = consent.form(context)?;
    let prover = consent.prover.as_deref();
    let response = oauth.post(context, &consent.server, &consent.binding, ENDPOINT, &form, prover)?;
    let codes = device::response(&response, oauth.issuer())?;
    let link = show(context, &codes, request);
    let ticket = Ticket {
        grant_type: device::GRANT_TYPE,
        parameter: "device_code",
        code: &codes.device_code,
        lifetime: codes.lifetime,
        interval: codes.interval,
        link,
    };
    consent.log_in(context, ticket, request.timeout)
}

/// Shows the code and where to enter it; both always, also where a browser or a QR code brings the code along: "Clients
/// MUST still display the user_code" (RFC 8628 section 3.3.1). Returns what serves the browser that was opened.
fn show(context: &Context<'_>, codes: &DeviceAuthorization, request: &LoginRequest) -> Option<LinkServer> {
    let console = &context.system.console;
    let target = codes.verification_uri_complete.as_ref().unwrap_or(&codes.verification_uri);
    let code = escaped(&codes.user_code);
    let line = "─".repeat(code.chars().count() + 4);
    console.say(format_args!(
        "Open this address on any device:\n\n    {}\n\nand enter this code:\n\n    ┌{line}┐\n    │  {}  │\n    └{line}┘\n",
        styled(HINT, codes.verification_uri.url()),
        styled(STRONG, &code),
    ));
    if console.is_terminal(Stream::Err)
        && let Some(picture) = picture(target)
    {
        console.say(format_args!("{picture}\n"));
    }
    // The address may contain the code, which is enough to approve this login as somebody else.
    let server = wants_browser(context, &request.browser)
        .then(|| LinkServer::start(target.url(), &*context.system.random).ok())
        .flatten()?;
    open_browser(context, server.link(), &request.browser).then(|| {
        console.say(styled(
            FAINT,
            "The address was opened in your browser; compare the code there with the one above.",
        ));
        server
    })
}

/// The address as a QR code, two modules above each other in a character. The light modules are drawn, so
/// that it is right on a dark terminal even without colours.
fn picture(target: &EndpointUrl) -> Option<String> {
    use qrcode::render::unicode::Dense1x2;
    let code = qrcode::QrCode::with_error_correction_level(target.url().as_str(), qrcode::EcLevel::L).ok()?;
    let picture = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    let style = anstyle::Style::new()
        .fg_color(Some(anstyle::AnsiColor::BrightWhite.into()))
        .bg_color(Some(anstyle::AnsiColor::Black.into()));
    let lines: Vec<String> = picture.lines().map(|line| format!("    {}", styled(style, line))).collect();
    Some(lines.join("\n"))
}
