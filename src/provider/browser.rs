//! Sends the user's browser to a server and waits for its return.

use std::cell::Cell;
use std::time::Duration;

use url::Url;

use super::context::Context;
use super::error::ProviderError;
use super::request::{BrowserChoice, LoginRequest};
use crate::loopback::{Answer, Listener, OneTimeLink, Wait};
use crate::oauth::authorization::Pending;
use crate::ports::prompter::{BrowserLogin, WaitReason};
use crate::secret::AuthorizationCode;

/// The default time limit for the user.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// Sends the user to the URL and waits for the redirect, from the browser or pasted.
pub fn wait_for_user(
    context: &Context<'_>,
    listener: Listener,
    pending: &Pending,
    url: &Url,
    request: &LoginRequest,
    offers_codes: bool,
) -> Result<Answer<AuthorizationCode>, ProviderError> {
    let system = context.system;
    // From here on, a signal must not end the process before the browser shows the result.
    let held = system.signals.hold();
    let link = listener.link_to(url, &*system.random);
    let opened = open_browser(context, &link, &request.browser);
    let no_browser = request.browser == BrowserChoice::None;
    let pasted = if system.input.is_terminal() { system.input.lines().ok() } else { None };
    let may_paste = pasted.is_some();
    system.prompter.log_in(&BrowserLogin {
        url,
        opened,
        may_paste: may_paste && !opened,
        device_login: (offers_codes && !opened && !no_browser).then_some(context.name),
    });
    let limit = request.timeout.unwrap_or(PATIENCE);
    let waiting = || system.prompter.wait(WaitReason::Browser, Some(limit));
    let _waiting = (opened || !may_paste).then(waiting).flatten();
    let wait = Wait {
        limit,
        clock: &*system.clock,
        held: &*held,
        pasted,
        on_wrong_paste: &|| {
            system.prompter.note(&"this is not the address of this login; paste the whole address");
        },
        link,
        peers: &*system.peers,
        on_other_user: &other_user_note(context),
    };
    let answer = listener.wait(&pending.expected, wait)?;
    if answer.ignored > 0 {
        system.prompter.note(&format_args!("ignored {} other requests to the login's port", answer.ignored));
    }
    Ok(answer)
}

/// Opens a one-time link in the browser, if the user wants a browser and could see it. Returns whether it did.
///
/// The browser gets only this link: the URL behind it may contain secrets, and every user can read arguments
/// (F-LEAK11).
pub fn open_browser(context: &Context<'_>, link: &OneTimeLink, choice: &BrowserChoice) -> bool {
    let command = match choice {
        BrowserChoice::Command(command) => Some(command.as_str()),
        BrowserChoice::None | BrowserChoice::Default => None,
    };
    if !wants_browser(context, choice) {
        return false;
    }
    match context.system.browser.open(link.url(), command, context.secret_variables) {
        Ok(()) => true,
        Err(error) => {
            context.system.prompter.note(&error);
            false
        }
    }
}

pub fn wants_browser(context: &Context<'_>, choice: &BrowserChoice) -> bool {
    match choice {
        BrowserChoice::None => false,
        BrowserChoice::Default => context.system.browser.can_be_seen(),
        BrowserChoice::Command(_) => true,
    }
}

/// Reports, once, that a request from another user was ignored.
pub fn other_user_note<'a>(context: &'a Context<'_>) -> impl Fn(u32) + 'a {
    let said = Cell::new(false);
    move |user| {
        if !said.replace(true) {
            context.system.prompter.note(&format_args!(
                "ignored a request from another user of this machine (uid {user}): authctl accepts only your own browser"
            ));
        }
    }
}
