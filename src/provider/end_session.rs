//! Ends the user's session at the server, in the browser (OpenID Connect RP-Initiated Logout 1.0).

use super::browser::{PATIENCE, open_browser};
use super::oauth::OAuth;
use super::{BrowserChoice, Context, EndedSession, ProviderError};
use crate::binding::Binding;
use crate::console::{STRONG, styled};
use crate::loopback::{Listener, Outcome, RedirectUri, Wait};
use crate::oauth::end_session::{self, ExpectedReturn};
use crate::oauth::endpoint::{EndpointUrl, authority};
use crate::oauth::pkce;
use crate::secret::State;
use crate::store::record::Record;

/// Sends the browser to the server with the id token, and waits until it returns where a return is registered.
///
/// # Errors
/// [`ProviderError`].
pub fn end(
    oauth: &OAuth,
    return_uri: Option<&RedirectUri>,
    context: &Context<'_>,
    record: &Record,
    browser: &BrowserChoice,
) -> Result<EndedSession, ProviderError> {
    let server = oauth.server(context, &["end_session_endpoint"]).map_err(|error| match error {
        ProviderError::Unconfigured { .. } => {
            ProviderError::NotOffered("a logout in the browser (end_session_endpoint)")
        }
        error => error,
    })?;
    let bound = record.binding.get(Binding::TOKEN_ENDPOINT).unwrap_or_default();
    let endpoint = server.endpoint_beside("end_session_endpoint", bound)?;
    let endpoint =
        endpoint.ok_or(ProviderError::NotOffered("a logout in the browser at the server of the login"))?;
    let listener = return_uri.map(Listener::bind).transpose()?;
    let expected = listener.as_ref().map(|listener| ExpectedReturn {
        state: State::new(pkce::random_text(&*context.system.random)),
        redirect_uri: listener.redirect_uri().clone(),
    });
    let client_id = record.binding.get(Binding::CLIENT_ID).unwrap_or_default();
    let url = end_session::url(&endpoint, record.id_token.as_ref(), client_id, expected.as_ref());
    EndpointUrl::configured(url.as_str())?;
    let system = context.system;
    if open_browser(context, &url, browser) {
        system.console.say(format_args!("Log out at {} in your browser.", styled(STRONG, authority(&url))));
    } else {
        system.console.say(format_args!("Open this URL in a browser to log out there:\n\n    {url}\n"));
    }
    let (Some(listener), Some(expected)) = (listener, expected) else { return Ok(EndedSession::Asked) };
    let held = system.signals.hold();
    let _waiting = system.console.wait_at_most("Waiting for the browser (Ctrl-C ends it)", Some(PATIENCE));
    let wait =
        Wait { limit: PATIENCE, clock: &*system.clock, held: &*held, pasted: None, on_wrong_paste: &|| {} };
    let answer = listener.wait(&expected, wait)?;
    answer.outcome?;
    answer.page.show(Outcome::LoggedOut);
    Ok(EndedSession::Returned)
}
