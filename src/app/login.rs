//! A login with the user, from whatever command needs one: the client made known to the server, the store unlocked, the
//! login, and what is told of it.

use crate::app::App;
use crate::app::passphrase::unlock_files;
use crate::config::Config;
use crate::config::discovered::Before;
use crate::error::Error;
use crate::name::{AccountName, ProviderName, ScopeSet};
use crate::oauth::registration::End;
use crate::ports::Folder;
use crate::ports::console::{GOOD, STRONG, styled};
use crate::provider::LoginRequest;
use crate::session::login::{Report, login};
use crate::session::registration::{Known, Wanted, end_replaced, ensure, take_back};
use crate::session::{Open, Session};
use crate::store::lock::Lock;
use crate::store::{StoreChoice, StoreError, StoreKind};
use crate::text::humanize::relative;
use crate::text::untrusted::escaped;

use std::time::Duration;

/// Who is logged in.
pub struct Who<'a> {
    /// The provider.
    pub name: &'a ProviderName,
    /// The provider as the user calls it.
    pub shown: &'a str,
    /// The account, where one is named.
    pub account: Option<&'a AccountName>,
    /// The client to be, where one is named.
    pub client_id: Option<&'a str>,
    /// Scopes that a later login may need, for a client that is to be registered.
    pub further: Option<&'a ScopeSet>,
    /// What was known of the provider before its URL was looked at, where it was.
    pub before: Option<&'a Before>,
}

/// The lock of a login to a provider: helpers do not open a second browser while somebody logs in (F-HLP3).
///
/// # Errors
/// [`StoreError::LockTimeout`] where a login is in progress.
pub fn lock(app: &App<'_>, name: &ProviderName) -> Result<Lock, StoreError> {
    let folder = app.system.paths.folder(Folder::State)?;
    Lock::take(&folder.join(format!("login-{name}.lock")), Duration::ZERO, &*app.system.clock)
}

/// Logs in, and tells how that ended. The caller holds the login's lock, or goes without: a person who asks for a login
/// gets one.
///
/// # Errors
/// Any [`Error`].
pub fn log_in(
    app: &App<'_>,
    who: &Who<'_>,
    request: &LoginRequest,
    refresh_metadata: bool,
) -> Result<(), Error> {
    with_known_client(app, who, request.scopes.as_ref(), |app| {
        let Open { provider, mut session } = app.open(Some(who.name))?;
        session.refresh_metadata = refresh_metadata;
        if provider.source.is_interactive() && session.store.goes_to_sealed(&provider.name)? {
            unlock_files(app, &session.store)?;
        }
        let report = login(&session, &provider, who.account, request)?;
        tell(app, &session, who.shown, &report);
        Ok(())
    })
}

/// Makes the client known to the server where nobody configured one, and logs in; one login with a registration after the
/// other. When that fails, an earlier login works as it did before.
///
/// # Errors
/// Any [`Error`].
pub fn with_known_client(
    app: &App<'_>,
    who: &Who<'_>,
    scopes: Option<&ScopeSet>,
    login: impl FnOnce(&App<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let system = app.system;
    let before = who.before.cloned().unwrap_or_else(|| Before::of(system, who.name));
    let result = made_known(app, who, scopes).and_then(|(config, known)| {
        let app = &App { config: config.as_ref().unwrap_or(app.config), ..*app };
        login(app)?;
        if let Some(replaced) = &known.replaced {
            let Open { provider, session } = app.open(Some(who.name))?;
            end_replaced(&session, &provider, replaced);
        }
        Ok(())
    });
    if result.is_err() && before.has_changed(system) {
        let config = app.reload();
        let session = Session::new(system, &config, who.name);
        // Where no login would be lost, the next one begins with what is known by now; but a client that somebody named, and
        // that is wrong, must not be taken for right.
        let worked = session.store.index(who.name).is_ok_and(|index| !index.entries.is_empty());
        if worked || who.client_id.is_some() {
            match config.selected(Some(who.name)) {
                Ok(provider) => take_back(&session, &provider, &before)?,
                Err(_) => before.put_back(system)?,
            }
        }
    }
    result
}

/// Makes the client known to the server; then the configuration has changed.
fn made_known(
    app: &App<'_>,
    who: &Who<'_>,
    scopes: Option<&ScopeSet>,
) -> Result<(Option<Config>, Known), Error> {
    let Open { provider, session } = app.open(Some(who.name))?;
    if !provider.source.is_interactive() {
        return Ok((None, Known::default()));
    }
    let document = app.config.client_id_metadata()?;
    let wanted = Wanted {
        named: who.client_id,
        document: document.as_ref(),
        scopes: scopes.cloned().unwrap_or_else(|| provider.source.scopes()),
        further: who.further.cloned().unwrap_or_default(),
    };
    let known = ensure(&session, &provider, &wanted);
    let known = known
        .map_err(|source| Error::Registration { name: who.shown.to_owned(), source: Box::new(source) })?;
    Ok((known.changed.then(|| app.reload()), known))
}

/// Says how a login ended.
pub fn tell(app: &App<'_>, session: &Session<'_>, provider: &str, report: &Report) {
    let console = &app.system.console;
    let who = report
        .label
        .as_deref()
        .map(|label| format!(" as {}", styled(STRONG, escaped(label))))
        .unwrap_or_default();
    console.say(format_args!("{} Logged in to {}{who}.", styled(GOOD, "✓"), styled(STRONG, provider)));
    match &report.granted {
        Some(granted) if !granted.is_empty() => console.say(format_args!("  Granted: {granted}")),
        _ => {}
    }
    if !report.missing.is_empty() {
        console.warn(format_args!("asked for and not granted: {}", report.missing));
    }
    let now = app.system.clock.now();
    let until = match report.expires_at {
        Some(end) if report.refreshable => {
            format!("The token ends {} and is then renewed.", relative(end, now))
        }
        Some(end) => format!("The token ends {}; log in again then.", relative(end, now)),
        None => "The server did not say when the token ends.".to_owned(),
    };
    console.say(format_args!("  {until}"));
    console.say(format_args!("  Kept in {}.", report.store));
    if report.store == StoreKind::File && session.store.key_is_unprotected() {
        let why =
            if app.config.store_choice() == StoreChoice::Auto { "There is no keyring here. " } else { "" };
        console.note(format_args!(
"{why}The file's key is on the same disk: this protects copies of the one without the other, and nothing more"
        ));
    }
    if report.others > 0 {
        console.note(format_args!(
            "{} is now the account that is used; {} more stay logged in (--account NAME)",
            report.account, report.others
        ));
    }
}

/// Says what became of a client that was registered, where there was one.
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
