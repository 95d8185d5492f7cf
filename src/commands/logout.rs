//! `authctl logout`

use crate::advice::Advise;
use crate::app::App;
use crate::app::args::{AccountArg, ProviderArg, browser_choice};
use crate::app::login_result::tell_end;
use crate::config::discovered::{DiscoveredProvider, name_of};
use crate::config::{ChoiceError, Provider};
use crate::discovery::resource::DiscoveredUrl;
use crate::error::{Error, Status};
use crate::name::ProviderName;
use crate::oauth::revocation::RevocationError;
use crate::provider::{EndedSession, ProviderError, Revocation};
use crate::session::acquire::AcquireError;
use crate::session::logout::{LoggedOut, Options, logout};
use crate::session::registration::{forget, unfinished};
use crate::session::{Open, Session};
use crate::text::causes::with_causes;
use crate::text::style::{GOOD, STRONG, styled};
use crate::text::untrusted::escaped;

use url::Url;

/// Revoke tokens at the server and delete them from the store
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    provider: ProviderArg,
    #[command(flatten)]
    account: AccountArg,
    /// Log out of all the provider's accounts, or without a provider, of everything
    #[arg(long, conflicts_with = "account")]
    all: bool,
    /// Delete the tokens without contacting the server
    #[arg(long)]
    local: bool,
    /// Also end your browser session at the server; the ID token is sent in the URL and stays in the browser's history
    #[arg(long, conflicts_with = "local")]
    end_session: bool,
    /// Print the logout URL instead of opening a browser
    #[arg(long, requires = "end_session")]
    no_browser: bool,
    /// Open the logout URL with this command; `%s` is replaced by the URL
    #[arg(long, value_name = "COMMAND", requires = "end_session", conflicts_with = "no_browser")]
    browser: Option<String>,
}

/// # Errors
/// Any [`Error`]; if a revocation fails, the tokens are deleted and the status is 1.
pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    // A broken project file must not prevent a logout.
    let files = app.config.check_files(false);
    let name = match args.provider.name(app) {
        Err(Error::Choice(ChoiceError::UnknownUrl(url))) if end_unfinished(app, &url, args.local)? => {
            return Ok(());
        }
        name => name?,
    };
    let names = match (name, args.all) {
        (None, true) => app.whole_store().listed()?,
        (Some(name), _) => vec![name],
        (None, false) => {
            files.clone()?;
            vec![app.config.choose(None)?]
        }
    };
    let mut worst = None;
    for name in &names {
        match one(app, &app.session(name), name, args) {
            Ok(false) => {}
            Ok(true) => worst = worst.or(Some(Status::Failed)),
            // One failure must not prevent the other logouts.
            Err(error) if names.len() > 1 => {
                error.tell(&app.system.console);
                worst = worst.or(Some(error.status()));
            }
            Err(error) => return Err(error),
        }
    }
    if names.is_empty() {
        app.system.console.say("You are not logged in to any provider.");
    }
    worst.map_or(Ok(()), |status| Err(Error::Reported(status)))
}

/// Logs out of one provider. Returns whether a revocation failed.
fn one(app: &App<'_>, session: &Session<'_>, name: &ProviderName, args: &Args) -> Result<bool, Error> {
    let console = &app.system.console;
    // Revocation needs the configuration. If that is broken, keep the tokens, so that they can still be revoked later.
    let provider = if args.local {
        app.config.provider(name).ok()
    } else {
        app.config.check_files(false)?;
        let is_configured = app.config.credentials.contains_key(name);
        if is_configured { Some(app.config.provider(name)?) } else { None }
    };
    let account = args.account.account.as_ref();
    let options = Options {
        all_accounts: args.all,
        local: args.local,
        end_session: args.end_session.then(|| browser_choice(app, args.browser.as_deref(), args.no_browser)),
    };
    let reports = logout(session, name, provider.as_deref(), account, &options)?;
    if reports.is_empty() {
        if provider.is_none() {
            // The name is neither configured nor stored, so it is probably misspelled.
            app.config.choose(Some(name))?;
        }
        console.say(format_args!("You were not logged in to {}.", app.config.called(name)));
    }
    let mut outcome = Ok(false);
    for report in reports {
        match report {
            Ok(report) if report.interrupted().is_some() => {
                let signal = report.interrupted().unwrap_or_default();
                return Err(AcquireError::Interrupted(signal).into());
            }
            Ok(report) => {
                tell(app, name, &report);
                outcome = outcome.map(|failed| failed || report.failed_at_server());
            }
            Err(error) => outcome = Err(error.into()),
        }
    }
    if let (Some(provider), true) = (&provider, outcome.is_ok()) {
        forget_discovered(app, session, provider, args.local)?;
    }
    outcome
}

/// Deletes the client registration that a failed first login to a URL left behind. Returns whether there was one.
fn end_unfinished(app: &App<'_>, url: &Url, local: bool) -> Result<bool, Error> {
    let name = name_of(url);
    let Ok(Some(client)) = unfinished(&app.session(&name), &name) else { return Ok(false) };
    let found = DiscoveredUrl::at(url.clone(), client.issuer);
    let discovered = DiscoveredProvider { name: name.clone(), url: Some(found), client: None };
    let config = app.config.with_discovered(app.system, &discovered)?;
    let Open { provider, session } = Session::open(app.system, &config, Some(&name))?;
    let end = forget(&session, &provider, local)?;
    app.system.console.say(format_args!("You were not logged in to {}.", escaped(url.as_str())));
    tell_end(app, end);
    Ok(true)
}

/// Forgets a URL's discovered metadata and its client registration after the last logout.
fn forget_discovered(
    app: &App<'_>,
    session: &Session<'_>,
    provider: &Provider,
    local: bool,
) -> Result<(), Error> {
    if !app.config.is_discovered(&provider.name) || !session.store.index(&provider.name)?.entries.is_empty() {
        return Ok(());
    }
    tell_end(app, forget(session, provider, local)?);
    Ok(())
}

fn tell(app: &App<'_>, name: &ProviderName, report: &LoggedOut) {
    let console = &app.system.console;
    console.say(format_args!(
        "{} Logged out of {} ({}); the tokens were deleted from {}",
        styled(GOOD, "✓"),
        styled(STRONG, app.config.called(name)),
        report.account,
        report.store
    ));
    if let Some(reason) = &report.not_asked {
        console.say(format_args!("  The server was not contacted: {reason}."));
    }
    match &report.session {
        None => {}
        Some(Ok(EndedSession::Returned)) => console.say("  Your session at the server has ended."),
        Some(Ok(EndedSession::Printed)) => {
            console.say("  Your session at the server ends when you open the URL above.");
        }
        Some(Ok(EndedSession::Asked)) => {
            console.say("  Your browser was sent to the server to end the session.");
        }
        Some(Err(error)) => console.error(format_args!(
            "{} your session at the server may still be active\n  caused by: {}",
            styled(crate::text::style::ERROR, "error:"),
            with_causes(error)
        )),
    }
    for (kind, outcome) in &report.revocations {
        match outcome {
            Revocation::Revoked => console.say(format_args!("  The server revoked the {kind}.")),
            Revocation::NotOffered => {
                console.say(
                    "  The server does not support revocation; the tokens stay valid until they expire.",
                );
            }
            Revocation::Failed(ProviderError::Revocation(error @ RevocationError::UnsupportedTokenType)) => {
                console.say(format_args!("  The {kind} was not revoked: {error}."));
            }
            Revocation::Failed(error) => {
                console.error(format_args!(
                    "{} the {kind} could not be revoked and may still be valid\n  caused by: {error}",
                    styled(crate::text::style::ERROR, "error:")
                ));
            }
        }
    }
}
