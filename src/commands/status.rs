//! `authctl status`

use comfy_table::{Table, presets};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::app::App;
use crate::app::args::ProviderArg;
use crate::error::Error;
use crate::name::ProviderName;
use crate::session::acquire::AcquireError;
use crate::session::acquire::decision::Reason;
use crate::store::index::{Entry, Index};
use crate::text::humanize::relative;
use crate::text::style::{FAINT, STRONG, styled};
use crate::text::untrusted::escaped;

/// Show providers, accounts and token expiry, without using the network or the keyring
#[derive(Debug, clap::Args)]
#[command(mut_arg("provider", |arg| arg.help("Provider name, or a URL that it serves [default: all providers]")))]
pub struct Args {
    #[command(flatten)]
    provider: ProviderArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    LoginNeeded,
    Valid,
    Refreshable,
    Expired,
}

impl State {
    fn of(entry: &Entry, now: Timestamp) -> Self {
        match entry.expires_at {
            _ if entry.login_needed => Self::LoginNeeded,
            Some(end) if end <= now && entry.refreshable => Self::Refreshable,
            Some(end) if end <= now => Self::Expired,
            _ => Self::Valid,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::LoginNeeded => "login needed",
            Self::Valid => "valid",
            Self::Refreshable => "refreshes at next use",
            Self::Expired => "expired",
        }
    }
}

/// # Errors
/// Any [`Error`]; status 3 for a named provider that is not logged in.
pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    let store = app.whole_store();
    let named = args.provider.name(app)?;
    let mut names: Vec<ProviderName> = match &named {
        Some(name) => vec![name.clone()],
        None => {
            app.config.check_files(true)?;
            let stored = store.listed()?;
            app.config.credentials.keys().cloned().chain(stored).collect()
        }
    };
    names.sort();
    names.dedup();
    let mut providers = Vec::new();
    for name in names {
        let index = store.index(&name)?;
        providers.push((name, index));
    }
    if let (Some(name), Some((_, index))) = (&named, providers.first())
        && index.entries.is_empty()
    {
        return not_logged_in(app, name);
    }
    if app.json {
        let list: Vec<Value> = providers.iter().map(|(name, index)| to_json(app, name, index)).collect();
        return app.print_json(&json!({ "providers": list }));
    }
    if providers.is_empty() {
        return Err(app.config.choose(None).err().map_or_else(|| Error::usage("no provider"), Error::from));
    }
    let table = table(app, &providers);
    let widest = table.lines().map(console::measure_text_width).max().unwrap_or_default();
    let text = match app.system.console.width() {
        // A table is unreadable if the terminal wraps its lines.
        Some(width) if widest > width => list(app, &providers),
        _ => table,
    };
    Ok(app.system.console.show(&format!("{text}\n"))?)
}

/// Reports that a login is required, unless the provider needs none.
fn not_logged_in(app: &App<'_>, name: &ProviderName) -> Result<(), Error> {
    let provider = app.provider(Some(name))?;
    if !provider.source.is_interactive() {
        let state = "needs no login";
        if app.json {
            return app.print_json(&json!({ "providers": [to_json(app, name, &Index::default())] }));
        }
        return Ok(app.system.console.show(&format!("{name}: {state}\n"))?);
    }
    Err(AcquireError::LoginRequired { provider: name.clone(), account: None, source: Reason::NotLoggedIn }
        .into())
}

/// One account, or a provider without accounts.
struct Row {
    provider: String,
    account: String,
    state: String,
    expires: String,
    store: String,
    scopes: String,
}

fn rows(app: &App<'_>, providers: &[(ProviderName, Index)]) -> Vec<Row> {
    let now = app.system.clock.now();
    let mut rows = Vec::new();
    for (name, index) in providers {
        let provider = if is_default(app, name) { format!("{name} *") } else { name.to_string() };
        if index.entries.is_empty() {
            let none = String::new;
            let state = unstored_state(app, name);
            rows.push(Row {
                provider,
                account: none(),
                state,
                expires: none(),
                store: none(),
                scopes: none(),
            });
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
                expires: entry.expires_at.map_or_else(|| "unknown".to_owned(), |end| relative(end, now)),
                store: entry.store.name().to_owned(),
                scopes: entry.scopes.to_string(),
            });
        }
    }
    rows
}

/// Formats one value per line, for terminals that are too narrow for the table.
fn list(app: &App<'_>, providers: &[(ProviderName, Index)]) -> String {
    let block = |row: &Row| {
        let named = [
            ("account", &row.account),
            ("state", &row.state),
            ("expires", &row.expires),
            ("stored in", &row.store),
            ("scopes", &row.scopes),
        ];
        let lines =
            named.iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| format!("  {name}: {text}"));
        let head = std::iter::once(styled(STRONG, &row.provider));
        head.chain(lines).collect::<Vec<_>>().join("\n")
    };
    rows(app, providers).iter().map(block).collect::<Vec<_>>().join("\n")
}

fn table(app: &App<'_>, providers: &[(ProviderName, Index)]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["PROVIDER", "ACCOUNT", "STATE", "EXPIRES", "STORED IN", "SCOPES"]);
    for row in rows(app, providers) {
        table.add_row([row.provider, row.account, row.state, row.expires, row.store, row.scopes]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    // Styles inside cells would count towards their width, so only whole lines are styled.
    let lines = table.lines().enumerate().map(|(number, line)| match number {
        0 => styled(FAINT, line.trim_end()),
        _ => line.trim_end().to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn unstored_state(app: &App<'_>, name: &ProviderName) -> String {
    match app.config.provider(name) {
        Ok(provider) if provider.source.is_interactive() => "not logged in",
        Ok(_) => "needs no login",
        Err(_) => "invalid: run `authctl config check`",
    }
    .to_owned()
}

fn is_default(app: &App<'_>, name: &ProviderName) -> bool {
    app.config.choose(None).is_ok_and(|default| default == *name) && app.config.credentials.len() > 1
}

fn to_json(app: &App<'_>, name: &ProviderName, index: &Index) -> Value {
    let now = app.system.clock.now();
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
    let configured = app.config.credentials.contains_key(name);
    json!({
        "provider": name.as_str(),
        "configured": configured,
        "needs_login": app.config.provider(name).is_ok_and(|provider| provider.source.is_interactive()),
        "default": is_default(app, name),
        "accounts": accounts,
    })
}
