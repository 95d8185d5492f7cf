//! Ends the user's session at the server, in the browser (OpenID Connect RP-Initiated Logout 1.0).

use std::time::Duration;

use url::Url;

use super::browser::{PATIENCE, open_browser, other_user_note, wants_browser};
use super::context::Context;
use super::error::ProviderError;
use super::logout::EndedSession;
use super::request::BrowserChoice;
use crate::binding::Binding;
use crate::loopback::{LinkServer, Listener, LoopbackError, Outcome, RedirectUri, Wait};
use crate::oauth::end_session::{self, ExpectedReturn};
use crate::oauth::endpoint::EndpointUrl;
use crate::oauth::pkce;
use crate::ports::prompter::WaitReason;
use crate::provider::client::OAuthClient;
use crate::secret::State;
use crate::store::record::Record;

/// How long a browser may take to start and open the link.
const LINK_PATIENCE: Duration = Duration::from_secs(20);
/// How long the link is still served after an unidentified user opened it, to detect a second request.
const LINGER: Duration = Duration::from_secs(3);
/// How long the browser may take to receive the redirect.
const LAST_ANSWER: Duration = Duration::from_millis(200);
/// How often the link's port is checked.
const SLICE: Duration = Duration::from_millis(10);

/// Sends the browser to the server with the ID token, and waits for its return if a redirect URI is registered.
pub fn end(
    oauth: &OAuthClient,
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
    match listener.zip(expected) {
        Some((listener, expected)) => send_and_return(context, listener, &expected, &url, browser),
        None => send(context, &url, browser),
    }
}

/// Sends the browser to the server and waits for its return.
fn send_and_return(
    context: &Context<'_>,
    listener: Listener,
    expected: &ExpectedReturn,
    url: &Url,
    browser: &BrowserChoice,
) -> Result<EndedSession, ProviderError> {
    let system = context.system;
    let link = listener.link_to(url, &*system.random);
    let opened = open_browser(context, &link, browser);
    system.prompter.log_out(url, opened);
    let held = system.signals.hold();
    let _waiting = system.prompter.wait(WaitReason::Browser, Some(PATIENCE));
    let wait = Wait {
        limit: PATIENCE,
        clock: &*system.clock,
        held: &*held,
        pasted: None,
        on_wrong_paste: &|| {},
        link,
        peers: &*system.peers,
        on_other_user: &other_user_note(context),
    };
    let answer = listener.wait(expected, wait)?;
    answer.outcome?;
    answer.page.show(Outcome::LoggedOut);
    Ok(EndedSession::Returned)
}

/// Sends the browser to the server. No redirect will report that it arrived.
fn send(context: &Context<'_>, url: &Url, browser: &BrowserChoice) -> Result<EndedSession, ProviderError> {
    let system = context.system;
    // If no port is available for the link, the URL is printed instead.
    let server = wants_browser(context, browser).then(|| LinkServer::start(url, &*system.random));
    if let Some(Ok(server)) = server
        && open_browser(context, server.link(), browser)
    {
        system.prompter.log_out(url, true);
        if serve_until_opened(context, server)? {
            return Ok(EndedSession::Asked);
        }
        system.prompter.note(&"the browser did not open the link");
    }
    system.prompter.log_out(url, false);
    Ok(EndedSession::Printed)
}

/// Serves the link until the browser has opened it; returns whether it has.
fn serve_until_opened(context: &Context<'_>, mut server: LinkServer) -> Result<bool, ProviderError> {
    let system = context.system;
    let held = system.signals.hold();
    let _waiting = system.prompter.wait(WaitReason::Browser, Some(LINK_PATIENCE));
    let on_other_user = other_user_note(context);
    let mut end = system.clock.elapsed().saturating_add(LINK_PATIENCE);
    let mut opened = false;
    loop {
        server.serve(system, &on_other_user)?;
        let now = system.clock.elapsed();
        if !opened && server.link().was_opened() {
            opened = true;
            // An unidentified user opened it: a second request may be the user's browser.
            let linger = if server.link().was_opened_by_unknown() { LINGER } else { LAST_ANSWER };
            end = now.saturating_add(linger);
        }
        if now >= end {
            return Ok(opened);
        }
        if let Some(signal) = held.caught() {
            return Err(LoopbackError::Interrupted(signal).into());
        }
        system.clock.sleep(SLICE);
    }
}
