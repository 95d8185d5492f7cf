//! `authctl account`

use serde_json::json;

use crate::app::App;
use crate::app::args::ProviderArg;
use crate::error::Error;
use crate::name::{AccountName, ProviderName};
use crate::text::style::{GOOD, STRONG, styled};

/// Manage several accounts at one provider
///
/// Logging in as another user adds an account. Use `--account` to select one for a single command.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List a provider's accounts
    List(ProviderArg),
    /// Make an account the default
    Use {
        /// Account name, as listed by `authctl account list`
        account: AccountName,
        /// Provider name [default: the default provider]
        #[arg(long, value_name = "PROVIDER")]
        provider: Option<ProviderName>,
    },
    /// Rename an account
    Rename {
        /// Account name, as listed by `authctl account list`
        account: AccountName,
        /// New name
        to: AccountName,
        /// Provider name [default: the default provider]
        #[arg(long, value_name = "PROVIDER")]
        provider: Option<ProviderName>,
    },
}

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
                "{} {provider} now uses the account {}",
                styled(GOOD, "✓"),
                styled(STRONG, account)
            ));
            Ok(())
        }
        Action::Rename { account, to, provider } => {
            let provider = choose(provider.as_ref())?;
            store_of(&provider).rename_account(&provider, account, to)?;
            console.say(format_args!(
                "{} Renamed the account {account} at {provider} to {}",
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
        app.system.console.say(format_args!("You are not logged in to {provider}."));
    }
    let mut text = String::new();
    for (account, _) in accounts {
        let mark = if used == Some(account) { " *" } else { "" };
        text.push_str(&format!("{account}{mark}\n"));
    }
    Ok(app.system.console.show(&text)?)
}
