//! `authctl store`

use serde_json::json;

use crate::app::App;
use crate::app::passphrase::{ask, choose, unlock_files};
use crate::app::stored_secrets::stored_secrets;
use crate::error::Error;
use crate::name::ProviderName;
use crate::store::{StoreChoice, StoreError, StoreKind, TokenStore};
use crate::text::humanize::counted;
use crate::text::style::{FAINT, GOOD, STRONG, styled};

/// Manage the token store
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show where and how tokens are stored
    Status,
    /// Move everything to another store, and delete the old copies once the new ones are verified
    Move {
        /// Store to move to
        #[arg(value_parser = ["keyring", "file", "etcd", "vault"])]
        to: String,
    },
    /// Encrypt everything with a new key from the configured key source
    Rekey {
        /// Program that prints the old key, if the config file no longer names it
        #[arg(last = true, value_name = "PROGRAM")]
        old_command: Vec<String>,
    },
    /// Unlock the keyring, or the encrypted files with their passphrase
    Unlock,
}

pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    app.config.check_files(false)?;
    let store = app.whole_store();
    match &args.action {
        Action::Status => status(app, &store),
        Action::Move { to } => relocate(app, &store, to),
        Action::Rekey { old_command } => rekey(app, &store, old_command),
        Action::Unlock => unlock(app, &store),
    }
}

fn status(app: &App<'_>, store: &TokenStore<'_>) -> Result<(), Error> {
    let survey = store.survey()?;
    let keyring = store.check_keyring();
    let choice = match survey.choice {
        StoreChoice::Auto => "auto",
        StoreChoice::Only(kind) => kind.name(),
    };
    if app.json {
        let accounts: serde_json::Map<_, _> =
            survey.accounts.iter().map(|(kind, count)| (kind.name().to_owned(), (*count).into())).collect();
        return app.print_json(&json!({
            "store": choice,
            "keyring": keyring.map(|keyring| keyring.is_ok()),
            "records": survey.records,
            "key_file": survey.key_file,
            "key": survey.key_source_name,
            "locked": survey.locked,
            "accounts": accounts,
        }));
    }
    let accounts: Vec<String> =
        survey.accounts.iter().map(|(kind, count)| format!("{count} in {kind}")).collect();
    let key = match &survey.key_source_name {
        None => "none yet".to_owned(),
        Some(source) if survey.locked => format!("{source}, locked"),
        Some(source) => source.clone(),
    };
    let keyring = match keyring {
        None => "not used".to_owned(),
        Some(Ok(())) => "available".to_owned(),
        Some(Err(StoreError::Keyring(fault))) => fault.to_string(),
        Some(Err(error)) => error.to_string(),
    };
    let mut text = String::new();
    for (name, value) in [
        ("store", choice),
        ("keyring", &keyring),
        ("accounts", &accounts.join(", ")),
        ("encrypted files", &survey.records),
        ("encryption key", &key),
        ("key file", &survey.key_file),
    ] {
        text.push_str(&format!("{}  {value}\n", styled(FAINT, format!("{name:15}"))));
    }
    Ok(app.system.console.show(&text)?)
}

fn relocate(app: &App<'_>, store: &TokenStore<'_>, to: &str) -> Result<(), Error> {
    let kind = StoreKind::ALL.into_iter().find(|kind| kind.name() == to);
    let to = kind.ok_or_else(|| Error::usage("not a valid store"))?;
    if to != StoreKind::Keyring {
        unlock_files(app, store)?;
    }
    // A shared store cannot contain the credential that opens it.
    let stays = |provider: &ProviderName| to.is_shared() && app.config.opens_store(provider);
    let secrets = stored_secrets(app, &stays);
    let moved = store.move_all(to, &secrets, &stays)?;
    let console = &app.system.console;
    for (provider, entry) in &moved.accounts {
        console.say(format_args!("  {provider} ({})", entry.account));
    }
    console.say(format_args!(
        "{} Moved {} and {} to {to}",
        styled(GOOD, "✓"),
        counted(moved.accounts.len() as u64, "account"),
        counted(moved.secrets as u64, "secret"),
    ));
    if matches!(app.config.store_choice(), StoreChoice::Only(kind) if kind != to) {
        console.hint(format_args!(
            "set {} in the config file",
            styled(STRONG, format!("store = \"{}\"", to.name()))
        ));
    }
    Ok(())
}

fn rekey(app: &App<'_>, store: &TokenStore<'_>, old_command: &[String]) -> Result<(), Error> {
    let new = match store.passphrase()? {
        Some(_) => Some(choose(app)?),
        None => None,
    };
    let mut old = || ask(app, "Current passphrase of the encrypted files").map_err(|_| StoreError::Locked);
    let old_command = (!old_command.is_empty()).then_some(old_command);
    let count = store.rekey(&mut old, old_command, new.as_ref())?;
    app.system.console.say(format_args!(
        "{} Encrypted {} with a new key",
        styled(GOOD, "✓"),
        counted(count as u64, "record")
    ));
    Ok(())
}

fn unlock(app: &App<'_>, store: &TokenStore<'_>) -> Result<(), Error> {
    let console = &app.system.console;
    let have_passphrase = unlock_files(app, store)?;
    if have_passphrase {
        console.say(format_args!("{} The encrypted files are unlocked", styled(GOOD, "✓")));
    }
    let choice = app.config.store_choice();
    if !matches!(choice, StoreChoice::Auto | StoreChoice::Only(StoreKind::Keyring)) {
        return Ok(());
    }
    match store.unlock_keyring() {
        Ok(()) => console.say(format_args!("{} The keyring is unlocked", styled(GOOD, "✓"))),
        // Without a keyring, encrypted files are the store, unless an account is stored in a keyring.
        Err(StoreError::NoKeyring(_)) if choice == StoreChoice::Auto && !is_in_keyring(store)? => {
            if !have_passphrase {
                console.say(
                    "Nothing is locked: no keyring is available, and the encrypted files have no passphrase.",
                );
            }
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Whether any account is in the keyring.
fn is_in_keyring(store: &TokenStore<'_>) -> Result<bool, StoreError> {
    let survey = store.survey()?;
    Ok(survey.accounts.iter().any(|(kind, count)| *kind == StoreKind::Keyring && *count > 0))
}
