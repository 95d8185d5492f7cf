//! The user's browser: sent to a server, and waited for.

use std::cell::Cell;
use std::time::Duration;

use url::Url;

use super::context::Context;
use super::error::ProviderError;
use super::request::{BrowserChoice, LoginRequest};
use crate::loopback::{Answer, Listener, OneTimeLink, Wait};
use crate::oauth::authorization::Pending;
use crate::oauth::endpoint::authority;
use crate::ports::console::{FAINT, HINT, STRONG, styled};
use crate::secret::AuthorizationCode;

/// How long the user is waited for, unless another time is asked for.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// Sends the user to the URL and waits for the redirect, from the browser or pasted.
///
/// # Errors
/// [`ProviderError::Loopback`].
pub fn wait_for_user(
    context: &Context<'_>,
    listener: Listener,
    pending: &Pending,
    url: &Url,
    request: &LoginRequest,
    offers_codes: bool,
) -> Result<Answer<AuthorizationCode>, ProviderError> {
    let system = context.system;
    let console = &system.console;
    // From here on there is something to say about how the login ends.
    let held = system.signals.hold();
    let link = listener.link_to(url, &*system.random);
    let opened = open_browser(context, &link, &request.browser);
    let no_browser = request.browser == BrowserChoice::None;
    let redirect = listener.redirect_uri();
    console.say(format_args!(
        "Log in at {}, which then returns to {}.",
        styled(STRONG, authority(url)),
        styled(FAINT, redirect),
    ));
    let instruction =
        if opened { "If no browser opens, open this URL:" } else { "Open this URL in a browser:" };
    console.say(format_args!("{instruction}\n\n    {}\n", styled(HINT, url)));
    let pasted = if system.input.is_terminal() { system.input.lines().ok() } else { None };
    let may_paste = pasted.is_some();
    if may_paste && !opened {
        console.say("The browser is on another machine? Paste the address that it ends on here.");
    }
    if offers_codes && !opened && !no_browser {
        console.say(format_args!(
            "Or log in with a code that you enter on any device: {}\n",
            styled(HINT, format!("authctl login {} --device", context.name))
        ));
    }
    let limit = request.timeout.unwrap_or(PATIENCE);
    let waiting = || console.wait_at_most("Waiting for the browser (Ctrl-C ends it)", Some(limit));
    let _waiting = (opened || !may_paste).then(waiting).flatten();
    let wait = Wait {
        limit,
        clock: &*system.clock,
        held: &*held,
        pasted,
        on_wrong_paste: &|| console.note("that is not the address of this login; paste the whole address"),
        link,
        peers: &*system.peers,
        on_stranger: &stranger_note(context),
    };
    let answer = listener.wait(&pending.expected, wait)?;
    if answer.ignored > 0 {
        console.note(format_args!(
            "{} other requests came to the login's port and were ignored",
            answer.ignored
        ));
    }
    Ok(answer)
}

/// Opens a one-time link in the browser, if the user wants that and could see it. Returns whether it did.
///
/// The browser is given only this link: the URL behind it may contain secrets, and every user can read arguments (F-LEAK11).
pub fn open_browser(context: &Context<'_>, link: &OneTimeLink, choice: &BrowserChoice) -> bool {
    let command = match choice {
        BrowserChoice::Command(command) => Some(command.as_str()),
        BrowserChoice::None | BrowserChoice::Default => None,
    };
    if !wants_browser(context, choice) {
        return false;
    }
    match context.system.browser.open(link.url(), command, &context.system.secret_variables) {
        Ok(()) => true,
        Err(error) => {
            context.system.console.note(error);
            false
        }
    }
}

/// Whether the user wants a browser and could see it.
pub fn wants_browser(context: &Context<'_>, choice: &BrowserChoice) -> bool {
    match choice {
        BrowserChoice::None => false,
        BrowserChoice::Default => context.system.browser.can_be_seen(),
        BrowserChoice::Command(_) => true,
    }
}

/// Notes, once, that a request from another user was ignored.
pub fn stranger_note<'a>(context: &'a Context<'_>) -> impl Fn(u32) + 'a {
    let said = Cell::new(false);
    move |user| {
        if !said.replace(true) {
            context.system.console.note(format_args!(
                "ignored a request from another user of this machine (uid {user}): only your own browser is accepted"
            ));
        }
    }
}
