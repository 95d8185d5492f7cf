//! The user's browser: sent to a server, and waited for.

use std::time::Duration;

use url::Url;

use super::{BrowserChoice, Context, LoginRequest, ProviderError};
use crate::console::{FAINT, HINT, STRONG, styled};
use crate::loopback::{Answer, Listener, Wait};
use crate::oauth::authorization::Pending;
use crate::oauth::endpoint::authority;
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
    let opened = open_browser(context, url, &request.browser);
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
    let may_paste = system.input.is_terminal();
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
        pasted: may_paste.then(|| system.input.lines()),
        on_wrong_paste: &|| console.note("that is not the address of this login; paste the whole address"),
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

/// Opens the browser, where one was asked for or could be seen; says whether it did.
pub fn open_browser(context: &Context<'_>, url: &Url, choice: &BrowserChoice) -> bool {
    let browser = &context.system.browser;
    let command = match choice {
        BrowserChoice::None => return false,
        BrowserChoice::Default if !browser.can_be_seen() => return false,
        BrowserChoice::Default => None,
        BrowserChoice::Command(command) => Some(command.as_str()),
    };
    match browser.open(url, command, &context.system.secret_variables) {
        Ok(()) => true,
        Err(error) => {
            context.system.console.note(error);
            false
        }
    }
}
