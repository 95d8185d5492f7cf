//! Reports a finished login, and the end of a registration.

use crate::app::App;
use crate::oauth::registration::End;
use crate::session::Session;
use crate::session::login::LoggedIn;
use crate::store::{StoreChoice, StoreKind};
use crate::text::humanize::relative;
use crate::text::style::{GOOD, STRONG, styled};
use crate::text::untrusted::escaped;

/// Reports the account, the granted scopes, the expiry, and where the tokens are stored.
pub(super) fn tell(app: &App<'_>, session: &Session<'_>, provider: &str, login: &LoggedIn) {
    let console = &app.system.console;
    let who = login
        .label
        .as_deref()
        .map(|label| format!(" as {}", styled(STRONG, escaped(label))))
        .unwrap_or_default();
    console.say(format_args!("{} Logged in to {}{who}", styled(GOOD, "✓"), styled(STRONG, provider)));
    match &login.granted {
        Some(granted) if !granted.is_empty() => console.say(format_args!("  Scopes: {granted}")),
        _ => {}
    }
    if !login.missing.is_empty() {
        console.warn(format_args!("these scopes were requested but not granted: {}", login.missing));
    }
    let now = app.system.clock.now();
    let until = match login.expires_at {
        Some(end) if login.refreshable => {
            format!("Access token expires {} and refreshes automatically", relative(end, now))
        }
        Some(end) => format!("Access token expires {}; then log in again", relative(end, now)),
        None => "The server did not say when the access token expires".to_owned(),
    };
    console.say(format_args!("  {until}"));
    console.say(format_args!("  Stored in {}", login.store));
    if login.store == StoreKind::File && session.store.key_is_unprotected() {
        let why =
            if app.config.store_choice() == StoreChoice::Auto { "no keyring is available. " } else { "" };
        console.note(format_args!(
"{why}The encryption key is on the same disk, so this only protects copies that do not include the key"
        ));
    }
    if login.others > 0 {
        console.note(format_args!(
            "{} is now the default account; {} more {} logged in (select one with --account NAME)",
            login.account,
            login.others,
            if login.others == 1 { "is" } else { "are" }
        ));
    }
}

/// Reports whether the server deleted the client's registration, if there was one.
pub fn tell_end(app: &App<'_>, end: Option<End>) {
    let console = &app.system.console;
    match end {
        Some(End::Deleted) => console.say("  The client registration was deleted too."),
        Some(End::NotKnown) => {
            console.note("the server no longer knows this client, or rejected its registration token")
        }
        Some(End::Failed) => {
            console.note("the client registration could not be deleted at the server");
        }
        None => {}
    }
}
