//! What is said about a finished login, and about the end of a registration.

use crate::app::App;
use crate::oauth::registration::End;
use crate::session::Session;
use crate::session::login::LoggedIn;
use crate::store::{StoreChoice, StoreKind};
use crate::text::humanize::relative;
use crate::text::style::{GOOD, STRONG, styled};
use crate::text::untrusted::escaped;

/// Says who logged in, what was granted, until when, and where the tokens are.
pub(super) fn tell(app: &App<'_>, session: &Session<'_>, provider: &str, login: &LoggedIn) {
    let console = &app.system.console;
    let who = login
        .label
        .as_deref()
        .map(|label| format!(" as {}", styled(STRONG, escaped(label))))
        .unwrap_or_default();
    console.say(format_args!("{} Logged in to {}{who}.", styled(GOOD, "✓"), styled(STRONG, provider)));
    match &login.granted {
        Some(granted) if !granted.is_empty() => console.say(format_args!("  Granted: {granted}")),
        _ => {}
    }
    if !login.missing.is_empty() {
        console.warn(format_args!("asked for and not granted: {}", login.missing));
    }
    let now = app.system.clock.now();
    let until = match login.expires_at {
        Some(end) if login.refreshable => {
            format!("The token ends {} and is then renewed.", relative(end, now))
        }
        Some(end) => format!("The token ends {}; log in again then.", relative(end, now)),
        None => "The server did not say when the token ends.".to_owned(),
    };
    console.say(format_args!("  {until}"));
    console.say(format_args!("  Kept in {}.", login.store));
    if login.store == StoreKind::File && session.store.key_is_unprotected() {
        let why =
            if app.config.store_choice() == StoreChoice::Auto { "There is no keyring here. " } else { "" };
        console.note(format_args!(
"{why}The file's key is on the same disk: this protects copies of the one without the other, and nothing more"
        ));
    }
    if login.others > 0 {
        console.note(format_args!(
            "{} is now the account that is used; {} more stay logged in (--account NAME)",
            login.account, login.others
        ));
    }
}

/// Says what the server made of the end of a registration, if there was one.
pub fn tell_end(app: &App<'_>, end: Option<End>) {
    let console = &app.system.console;
    match end {
        Some(End::Deleted) => console.say("  The client that was registered for it is gone as well."),
        Some(End::NotKnown) => console.note(
            "the server knows the client that was registered for it no more, or does not take what its registration is managed with",
        ),
        Some(End::Failed) => {
            console.note("the client that was registered for it could not be deleted at the server");
        }
        None => {}
    }
}
