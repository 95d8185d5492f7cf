//! The device authorization grant (RFC 8628): the user enters a code on this or another device.

use super::browser::open_browser;
use super::consent::{Consent, wait_for_tokens};
use super::oauth::{self, OAuth, Presented};
use super::{
    Context, Grant, Issue, IssueRequest, Kind, Login, LoginRequest, Place, ProviderError, TokenProvider,
    TokenRequest,
};
use crate::binding::Binding;
use crate::console::{FAINT, HINT, STRONG, styled};
use crate::foreign::escaped;
use crate::oauth::device::{self, DeviceAuthorization};
use crate::oauth::endpoint::EndpointUrl;
use crate::oauth::polling::Polling;
use crate::ports::Stream;
use crate::setting::{Problem, Section};

/// The grant `device_code`.
pub const KIND: Kind = Kind {
    name: "oauth",
    alias: None,
    grants: &["device_code", device::GRANT_TYPE],
    shorthand: None,
    about: "OAuth 2.0: the user enters a code on another device",
    keys: &[oauth::KEYS],
    open: false,
    runs_program: false,
    build,
};

struct DeviceCodeGrant {
    oauth: OAuth,
}

fn build(section: &Section<'_>, place: &Place) -> Result<Box<dyn TokenProvider>, Vec<Problem>> {
    Ok(Box::new(DeviceCodeGrant { oauth: OAuth::read(section, place)? }))
}

impl TokenProvider for DeviceCodeGrant {
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
        log_in(&self.oauth, context, request)
    }
}

/// Logs in with a code, whatever grant is configured.
///
/// # Errors
/// [`ProviderError`].
pub fn log_in(oauth: &OAuth, context: &Context<'_>, request: &LoginRequest) -> Result<Login, ProviderError> {
    let scopes = request.scopes.clone().unwrap_or_else(|| oauth.scopes().clone());
    let server = oauth.server(context, &["device_authorization_endpoint", "token_endpoint"])?;
    let binding = server.binding()?;
    let endpoint = oauth.token_endpoint(context, &server, &binding)?;
    let prover = oauth.prover(context, None)?;
    let mut form = oauth.token_form(context, &TokenRequest::default())?;
    form.set("scope", &oauth.scope_text(&scopes));
    oauth.add_audience(&TokenRequest::default(), &mut form);
    let response =
        oauth.post(context, &server, &binding, "device_authorization_endpoint", &form, prover.as_deref())?;
    let codes = device::response(&response, oauth.issuer())?;
    show(context, &codes, request);

    let mut form = oauth.token_form(context, &TokenRequest::default())?;
    form.set("device_code", codes.device_code.expose());
    let consent = Consent {
        oauth,
        endpoint: &endpoint,
        grant_type: device::GRANT_TYPE,
        form: &form,
        prover: prover.as_deref(),
        limit: request.timeout.unwrap_or(codes.lifetime).min(codes.lifetime),
    };
    let pace = Polling::new(codes.interval, consent.limit, context.system.clock.elapsed());
    let tokens = wait_for_tokens(context, &consent, pace)?;
    let presented = Presented { client_id: binding.get(Binding::CLIENT_ID), ..Presented::default() };
    let claims = oauth.validate_id_token(context, &server, &tokens, &presented)?;
    let grant = oauth.grant(context, &server, binding, tokens, scopes)?;
    Ok(Login { grant: Grant { claims, prover, ..grant }, page: None })
}

/// Shows the code and where to enter it; both always, also where a browser or a QR code brings the code along: "Clients
/// MUST still display the user_code" (RFC 8628 section 3.3.1).
fn show(context: &Context<'_>, codes: &DeviceAuthorization, request: &LoginRequest) {
    let console = &context.system.console;
    let target = codes.verification_uri_complete.as_ref().unwrap_or(&codes.verification_uri);
    let code = escaped(&codes.user_code);
    let line = "─".repeat(code.chars().count() + 4);
    console.say(format_args!(
        "Open this address on any device:\n\n    {}\n\nand enter this code:\n\n    ┌{line}┐\n    │  {}  │\n    └{line}┘\n",
        styled(HINT, &codes.verification_uri),
        styled(STRONG, &code),
    ));
    if console.is_terminal(Stream::Err)
        && let Some(picture) = picture(target)
    {
        console.say(format_args!("{picture}\n"));
    }
    if open_browser(context, target.url(), &request.browser) {
        console.say(styled(
            FAINT,
            "The address was opened in your browser; compare the code there with the one above.",
        ));
    }
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
