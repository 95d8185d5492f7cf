//! `authctl status`

use comfy_table::{Table, presets};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Invocation, ProviderArg, in_words};
use crate::console::{FAINT, STRONG, styled};
use crate::error::Error;
use crate::foreign::escaped;
use crate::name::ProviderName;
use crate::session::acquire::AcquireError;
use crate::session::step::Reason;
use crate::store::index::{Entry, Index};

/// Show what is configured and what is stored, without asking network or keyring
#[derive(Debug, clap::Args)]
#[command(mut_arg("provider", |arg| arg.help("The provider, as the configuration names it, or a URL that its tokens are for; without one, all")))]
pub struct Args {
    #[command(flatten)]
    provider: ProviderArg,
}

/// How an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    LoginNeeded,
    Valid,
    Renewable,
    Ended,
}

impl State {
    fn of(entry: &Entry, now: Timestamp) -> Self {
        match entry.expires_at {
            _ if entry.login_needed => Self::LoginNeeded,
            Some(end) if end <= now && entry.refreshable => Self::Renewable,
            Some(end) if end <= now => Self::Ended,
            _ => Self::Valid,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::LoginNeeded => "login needed",
            Self::Valid => "valid",
            Self::Renewable => "renewed at next use",
            Self::Ended => "ended",
        }
    }
}

/// Shows the table, or with a provider its accounts alone.
///
/// # Errors
/// Any [`Error`]; status 3 for a named provider that is not logged in.
pub fn run(invocation: &Invocation<'_>, args: &Args) -> Result<(), Error> {
    let session = invocation.session().with_configured_store();
    let named = args.provider.name(invocation)?;
    let mut names: Vec<ProviderName> = match &named {
        Some(name) => vec![name.clone()],
        None => {
            invocation.config.check_files(true)?;
            let stored = session.store.listed()?;
            invocation.config.credentials.keys().cloned().chain(stored).collect()
        }
    };
    names.sort();
    names.dedup();
    let mut providers = Vec::new();
    for name in names {
        let index = session.store.index(&name)?;
        providers.push((name, index));
    }
    if let (Some(name), Some((_, index))) = (&named, providers.first())
        && index.entries.is_empty()
    {
        return not_logged_in(invocation, name);
    }
    if invocation.json {
        let list: Vec<Value> =
            providers.iter().map(|(name, index)| to_json(invocation, name, index)).collect();
        return invocation.print_json(&json!({ "providers": list }));
    }
    if providers.is_empty() {
        return Err(invocation
            .config
            .choose(None)
            .err()
            .map_or_else(|| Error::usage("no provider"), Error::from));
    }
    let table = table(invocation, &providers);
    let widest = table.lines().map(console::measure_text_width).max().unwrap_or_default();
    let text = match invocation.system.console.width() {
        // Lines that a narrow terminal breaks are no table any more.
        Some(width) if widest > width => list(invocation, &providers),
        _ => table,
    };
    Ok(invocation.system.console.show(&format!("{text}\n"))?)
}

/// A provider that stores nothing has no login to miss.
fn not_logged_in(invocation: &Invocation<'_>, name: &ProviderName) -> Result<(), Error> {
    let provider = invocation.session().provider(Some(name))?;
    if !provider.source.is_interactive() {
        let state = "needs no login";
        if invocation.json {
            return invocation
                .print_json(&json!({ "providers": [to_json(invocation, name, &Index::default())] }));
        }
        return Ok(invocation.system.console.show(&format!("{name}: {state}\n"))?);
    }
    Err(AcquireError::LoginRequired { provider: name.clone(), source: Reason::NotLoggedIn }.into())
}

/// What is shown of one account, or of a provider that has none.
struct Row {
    provider: String,
    account: String,
    state: String,
    ends: String,
    store: String,
    scopes: String,
}

fn rows(invocation: &Invocation<'_>, providers: &[(ProviderName, Index)]) -> Vec<Row> {
    let now = invocation.system.clock.now();
    let mut rows = Vec::new();
    for (name, index) in providers {
        let provider = if is_default(invocation, name) { format!("{name} *") } else { name.to_string() };
        if index.entries.is_empty() {
            let none = String::new;
            let state = unstored_state(invocation, name);
            rows.push(Row { provider, account: none(), state, ends: none(), store: none(), scopes: none() });
            continue;
        }
        for entry in &index.entries {
            let active = index.account(None) == Some(&entry.account) && index.entries.len() > 1;
            let account = entry.label.as_deref().filter(|label| *label != entry.account.as_str());
            let account = match account {
                Some(label) => format!("{} ({})", entry.account, escaped(label)),
                None => entry.account.to_string(),
            };
            rows.push(Row {
                provider: provider.clone(),
                account: if active { format!("{account} *") } else { account },
                state: State::of(entry, now).name().to_owned(),
                ends: entry.expires_at.map_or_else(|| "not known".to_owned(), |end| in_words(end, now)),
                store: entry.store.name().to_owned(),
                scopes: entry.scopes.to_string(),
            });
        }
    }
    rows
}

/// One thing a line, for terminals that are too narrow for a table.
fn list(invocation: &Invocation<'_>, providers: &[(ProviderName, Index)]) -> String {
    let block = |row: &Row| {
        let named = [
            ("account", &row.account),
            ("state", &row.state),
            ("ends", &row.ends),
            ("kept in", &row.store),
            ("scopes", &row.scopes),
        ];
        let lines =
            named.iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| format!("  {name}: {text}"));
        let head = std::iter::once(styled(STRONG, &row.provider));
        head.chain(lines).collect::<Vec<_>>().join("\n")
    };
    rows(invocation, providers).iter().map(block).collect::<Vec<_>>().join("\n")
}

fn table(invocation: &Invocation<'_>, providers: &[(ProviderName, Index)]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["PROVIDER", "ACCOUNT", "STATE", "ENDS", "KEPT IN", "SCOPES"]);
    for row in rows(invocation, providers) {
        table.add_row([row.provider, row.account, row.state, row.ends, row.store, row.scopes]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    // Styles inside cells would count as their width: only whole lines have some.
    let lines = table.lines().enumerate().map(|(number, line)| match number {
        0 => styled(FAINT, line.trim_end()),
        _ => line.trim_end().to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn unstored_state(invocation: &Invocation<'_>, name: &ProviderName) -> String {
    match invocation.config.provider(name) {
        Ok(provider) if provider.source.is_interactive() => "not logged in",
        Ok(_) => "needs no login",
        Err(_) => "wrong: see `authctl config check`",
    }
    .to_owned()
}

fn is_default(invocation: &Invocation<'_>, name: &ProviderName) -> bool {
    invocation.config.choose(None).is_ok_and(|default| default == *name)
        && invocation.config.credentials.len() > 1
}

fn to_json(invocation: &Invocation<'_>, name: &ProviderName, index: &Index) -> Value {
    let now = invocation.system.clock.now();
    let accounts: Vec<Value> = index
        .entries
        .iter()
        .map(|entry| {
            json!({
                "account": entry.account.as_str(),
                "label": entry.label,
                "default": index.account(None) == Some(&entry.account),
                "state": State::of(entry, now).name(),
                "expires_at": entry.expires_at.map(|end| end.to_string()),
                "logged_in_at": entry.logged_in_at.to_string(),
                "refreshable": entry.refreshable,
                "scopes": entry.scopes.iter().collect::<Vec<_>>(),
                "store": entry.store.name(),
                "binding": entry.binding,
            })
        })
        .collect();
    let configured = invocation.config.credentials.contains_key(name);
    json!({
        "provider": name.as_str(),
        "configured": configured,
        "needs_login": invocation.config.provider(name).is_ok_and(|provider| provider.source.is_interactive()),
        "default": is_default(invocation, name),
        "accounts": accounts,
    })
}
