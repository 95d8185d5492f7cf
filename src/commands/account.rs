//! `authctl account`

use serde_json::json;

use crate::app::App;
use crate::app::args::ProviderArg;
use crate::error::Error;
use crate::name::{AccountName, ProviderName};
use crate::text::style::{GOOD, STRONG, styled};

/// Work with several accounts of one provider
///
/// A login as another person makes a new account by itself; `--account` names one for a single command.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List the accounts of a provider
    List(ProviderArg),
    /// Use this account where none is named
    Use {
        /// The account, as `authctl account list` shows it
        account: AccountName,
        /// The provider; without one, the default
        #[arg(long, value_name = "PROVIDER")]
        provider: Option<ProviderName>,
    },
    /// Give an account another name
    Rename {
        /// The account, as `authctl account list` shows it
        account: AccountName,
        /// Its new name
        to: AccountName,
        /// The provider; without one, the default
        #[arg(long, value_name = "PROVIDER")]
        provider: Option<ProviderName>,
    },
}

/// Lists, chooses or renames accounts.
pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    let store_of = |provider: &ProviderName| app.session(provider).store;
    let console = &app.system.console;
    let choose = |named: Option<&ProviderName>| {
        app.config.check_files(true)?;
        app.config.choose(named)
    };
    match &args.action {
        Action::List(provider) => list(app, &choose(provider.name(app)?.as_ref())?),
        Action::Use { account, provider } => {
            let provider = choose(provider.as_ref())?;
            store_of(&provider).use_account(&provider, account)?;
            console.say(format_args!(
                "{} {} is now the account of {provider} that is used.",
                styled(GOOD, "✓"),
                styled(STRONG, account)
            ));
            Ok(())
        }
        Action::Rename { account, to, provider } => {
            let provider = choose(provider.as_ref())?;
            store_of(&provider).rename_account(&provider, account, to)?;
            console.say(format_args!(
                "{} The account {account} of {provider} is now called {}.",
                styled(GOOD, "✓"),
                styled(STRONG, to)
            ));
            Ok(())
        }
    }
}

fn list(app: &App<'_>, provider: &ProviderName) -> Result<(), Error> {
    let index = app.session(provider).store.index(provider)?;
    let used = index.account(None);
    let mut accounts: Vec<(&AccountName, Option<&str>)> =
        index.entries.iter().map(|entry| (&entry.account, entry.label.as_deref())).collect();
    accounts.dedup_by(|one, other| one.0 == other.0);
    if app.json {
        let accounts: Vec<_> = accounts
            .iter()
            .map(|(account, label)| json!({ "account": account.as_str(), "label": label, "used": used == Some(account) }))
            .collect();
        return app.print_json(&json!({ "provider": provider.as_str(), "accounts": accounts }));
    }
    if accounts.is_empty() {
        app.system.console.say(format_args!("No account of {provider} is logged in."));
    }
    let mut text = String::new();
    for (account, _) in accounts {
        let mark = if used == Some(account) { " *" } else { "" };
        text.push_str(&format!("{account}{mark}\n"));
    }
    Ok(app.system.console.show(&text)?)
}
