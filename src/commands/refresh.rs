//! `authctl refresh`

use crate::advice::Advise;
use crate::app::App;
use crate::app::args::{AccountArg, ProviderArg};
use crate::error::{Error, Status};
use crate::name::{AccountName, ProviderName};
use crate::provider::subject_token::{Source, SubjectTokenSource};
use crate::session::Open;
use crate::session::acquire::{AcquireRequest, token};
use crate::text::humanize::relative;
use crate::text::style::{GOOD, styled};

/// Refresh tokens now, to keep sessions alive that expire when idle
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    provider: ProviderArg,
    #[command(flatten)]
    account: AccountArg,
    /// Refresh all stored logins
    #[arg(long, conflicts_with_all = ["provider", "account"])]
    all: bool,
}

/// # Errors
/// Any [`Error`]; with `--all`, the first failure's status after trying all logins.
pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    if !args.all {
        return refresh(app.open(args.provider.name(app)?.as_ref())?, &args.account);
    }
    app.config.check_files(true)?;
    let mut worst = None;
    let mut is_empty = true;
    let store = app.whole_store();
    for name in store.listed()? {
        if !app.config.credentials.contains_key(&name) {
            continue;
        }
        for entry in store.index(&name)?.entries {
            is_empty = false;
            // With --all, a login without a refresh token is not a failure.
            if !entry.refreshable
                && app.provider(Some(&name)).is_ok_and(|provider| provider.source.is_interactive())
            {
                let account = &entry.account;
                app.system
                    .console
                    .say(format_args!("{name} ({account}) has no refresh token and was skipped."));
                continue;
            }
            let account = AccountArg { account: asked_for(app, &name, entry.account) };
            if let Err(error) =
                app.open(Some(&name)).map_err(Error::from).and_then(|open| refresh(open, &account))
            {
                error.tell(&app.system.console);
                worst = worst.or(Some(error.status()));
            }
        }
    }
    if is_empty {
        app.system.console.say("No logins are stored, so there is nothing to refresh.");
    }
    worst.map_or(Ok(()), |status: Status| Err(Error::Reported(status)))
}

/// Returns the account to request for a stored entry. An exchange without an account name passes none, so that the provider
/// of its subject token uses its own default account.
fn asked_for(app: &App<'_>, name: &ProviderName, stored: AccountName) -> Option<AccountName> {
    let of_provider = |source: &SubjectTokenSource| matches!(source.source, Source::Provider { .. });
    let is_exchange = app
        .provider(Some(name))
        .is_ok_and(|provider| provider.source.subject_tokens().iter().any(of_provider));
    (!is_exchange || stored != AccountName::unnamed()).then_some(stored)
}

fn refresh(open: Open<'_>, account: &AccountArg) -> Result<(), Error> {
    let Open { provider, session } = open;
    let name = &provider.name;
    if !provider.source.keeps_tokens() {
        let message = format!("`{name}` does not store tokens, so there is nothing to refresh");
        return Err(Error::failed(
            message,
            format!("`authctl token {name}` reads the token again each time"),
        ));
    }
    let options =
        AcquireRequest { account: account.account.clone(), force_refresh: true, ..AcquireRequest::default() };
    let issued = token(&session, &provider, &options)?;
    let until = match issued.expires_at {
        Some(end) => format!("the new access token expires {}", relative(end, session.system.clock.now())),
        None => "the server did not say when the new access token expires".to_owned(),
    };
    let called = session.config.called(name);
    session.system.console.say(format_args!("{} Refreshed {called}; {until}", styled(GOOD, "✓")));
    Ok(())
}
