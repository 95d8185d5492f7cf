//! `authctl refresh`

use crate::app::App;
use crate::app::args::{AccountArg, ProviderArg};
use crate::error::{Error, Status};
use crate::name::{AccountName, ProviderName};
use crate::ports::console::{GOOD, styled};
use crate::provider::subject_token::{Input, Source};
use crate::session::acquire::{Options, token};
use crate::session::{Session, Sessions};
use crate::text::humanize::relative;

/// Renew tokens now, for sessions that would otherwise end while idle
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    provider: ProviderArg,
    #[command(flatten)]
    account: AccountArg,
    /// Renew the tokens of every provider that has some
    #[arg(long, conflicts_with_all = ["provider", "account"])]
    all: bool,
}

/// Renews, and says until when the new tokens are good.
///
/// # Errors
/// Any [`Error`]; with `--all`, the first failure's status after all were tried.
pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    let session = app.session();
    if !args.all {
        let name = session.provider(args.provider.name(app)?.as_ref())?.name;
        return renew(session.keeping(&name), &name, &args.account);
    }
    app.config.check_files(true)?;
    let mut worst = None;
    let store = session.with_configured_store().store;
    for name in store.listed()? {
        if !app.config.credentials.contains_key(&name) {
            continue;
        }
        for entry in store.index(&name)?.entries {
            // A login that cannot be renewed is no failure of whoever renews all that can be.
            if !entry.refreshable
                && session.provider(Some(&name)).is_ok_and(|provider| provider.source.is_interactive())
            {
                let account = &entry.account;
                session
                    .system
                    .console
                    .say(format_args!("{name} ({account}) has no refresh token: it is not renewed."));
                continue;
            }
            let account = AccountArg { account: asked_for(&session, &name, entry.account) };
            if let Err(error) = renew(app.session().keeping(&name), &name, &account) {
                error.tell(&app.system.console);
                worst = worst.or(Some(error.status()));
            }
        }
    }
    worst.map_or(Ok(()), |status: Status| Err(Error::Reported(status)))
}

/// The account to name when an entry is renewed. Nobody named one for an exchange whose tokens have no account's name, so the
/// provider that it takes tokens from uses its own account.
fn asked_for(sessions: &Sessions<'_>, name: &ProviderName, stored: AccountName) -> Option<AccountName> {
    let of_provider = |input: &Input| matches!(input.source, Source::Provider { .. });
    let is_exchange =
        sessions.provider(Some(name)).is_ok_and(|provider| provider.source.inputs().iter().any(of_provider));
    (!is_exchange || stored != AccountName::unnamed()).then_some(stored)
}

fn renew(session: Session<'_>, name: &ProviderName, account: &AccountArg) -> Result<(), Error> {
    let provider = session.provider(Some(name))?;
    if !provider.source.keeps_tokens() {
        let message = format!("`{name}` has no tokens that could be renewed");
        return Err(Error::failed(message, format!("`authctl token {name}` reads it anew every time")));
    }
    let options = Options { account: account.account.clone(), renew: true, ..Options::default() };
    let issued = token(&session, &provider, &options)?;
    let until = match issued.expires_at {
        Some(end) => format!("the new token ends {}", relative(end, session.system.clock.now())),
        None => "the server did not say when the new token ends".to_owned(),
    };
    let called = session.config.called(name);
    session.system.console.say(format_args!("{} Renewed {called}: {until}.", styled(GOOD, "✓")));
    Ok(())
}
