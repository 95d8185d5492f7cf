//! `authctl provider set` and `remove`

use crate::app::App;
use crate::app::login_result::tell_end;
use crate::config::edit::{Assignment, Edit, EditError, find_key};
use crate::error::Error;
use crate::name::ProviderName;
use crate::session::logout::{Options, logout};
use crate::session::registration::forget;
use crate::text::style::{GOOD, STRONG, styled};
use crate::text::untrusted::escaped;

/// Change a provider's keys in your config file
#[derive(Debug, clap::Args)]
pub struct SetArgs {
    /// Provider name
    #[arg(value_name = "PROVIDER")]
    provider: ProviderName,
    /// Key and new value, such as scopes="repo gist"; an empty value removes the key
    #[arg(value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Remove this key; repeatable
    #[arg(long, value_name = "KEY")]
    unset: Vec<String>,
    /// Remove all existing keys first
    #[arg(long)]
    replace: bool,
    /// Make it the default provider
    #[arg(long)]
    default: bool,
}

/// Remove a provider from your config file
///
/// Fails while its tokens are stored: log out first, or add --logout.
#[derive(Debug, clap::Args)]
pub struct RemoveArgs {
    /// Provider name
    #[arg(value_name = "PROVIDER")]
    provider: ProviderName,
    /// Log out of all accounts first
    #[arg(long)]
    logout: bool,
}

/// Replaces the hint for a secret, because only `provider add` has --secret.
fn with_command(provider: &ProviderName, error: EditError) -> Error {
    let EditError::Secret(path) = &error else { return error.into() };
    let key = path.rsplit('.').next().unwrap_or(path);
    let hint = format!(
        "run `authctl provider set {provider} {key}='{{ stored = true }}'`, then `authctl secret set {provider} {key}`"
    );
    Error::Usage { message: error.to_string(), hint: Some(hint) }
}

pub(super) fn set(app: &App<'_>, args: &SetArgs) -> Result<(), Error> {
    if args.set.is_empty() && args.unset.is_empty() && !args.default {
        return Err(Error::usage("missing key and value, such as scopes=\"a b\""));
    }
    let name = &args.provider;
    let kind = kind(app, name)?;
    let mut edit = Edit::open(app.config)?;
    let (emptied, set): (Vec<_>, Vec<_>) = args.set.iter().partition(|text| text.ends_with('='));
    let keys = set
        .into_iter()
        .map(|text| Assignment::parse(text, &kind).map_err(|error| with_command(name, error)))
        .collect::<Result<Vec<_>, _>>()?;
    match args.replace {
        true => edit.add(name, &keys, true)?,
        false => edit.set(name, &keys)?,
    }
    let emptied = emptied.into_iter().map(|text| text.trim_end_matches('='));
    for key in args.unset.iter().map(String::as_str).chain(emptied) {
        let (path, _) = find_key(key, &kind)?;
        if !edit.unset(name, &path)? {
            app.system
                .console
                .note(format_args!("`{}` is not set in your config file", escaped(&path.join("."))));
        }
    }
    if args.default {
        edit.set_default(name);
    }
    // A provider that was already invalid may be fixed step by step.
    if app.config.provider(name).is_ok() {
        edit.check(app.system, name)?;
    }
    save(app, &edit)
}

pub(super) fn remove(app: &App<'_>, args: &RemoveArgs) -> Result<(), Error> {
    let name = &args.provider;
    let mut edit = Edit::open(app.config)?;
    edit.remove(name)?;
    let session = app.session(name);
    let accounts = session.store.index(name)?.entries.len();
    if accounts > 0 && !args.logout {
        return Err(Error::failed(
            format!("you are logged in to `{name}`, and its tokens cannot be revoked once it is removed"),
            format!("run `authctl logout {name} --all` first, or add --logout"),
        ));
    }
    if accounts > 0 {
        let provider = app.config.provider(name)?;
        let options = Options { all_accounts: true, ..Options::default() };
        for report in logout(&session, name, Some(&provider), None, &options)? {
            let report = report?;
            let console = &app.system.console;
            console.say(format_args!("{} Logged out of {name} ({})", styled(GOOD, "✓"), report.account));
            if report.failed_at_server() {
                console.warn("the server did not revoke all tokens; they stay valid until they expire");
            }
        }
    }
    // Nothing would use its registered client any more.
    if let Ok(provider) = app.config.provider(name) {
        tell_end(app, forget(&session, &provider, false)?);
    }
    save(app, &edit)
}

fn kind(app: &App<'_>, name: &ProviderName) -> Result<String, Error> {
    app.config.check_files(false)?;
    app.config.choose(Some(name))?;
    let credential = app.config.credentials.get(name);
    let kind = credential.and_then(|credential| credential.kind.as_ref());
    Ok(kind.map_or_else(|| "oauth".to_owned(), |kind| kind.called.clone()))
}

fn save(app: &App<'_>, edit: &Edit) -> Result<(), Error> {
    let console = &app.system.console;
    let lines = edit.changes(app.system)?;
    if !edit.is_change() {
        console.say("Nothing to change.");
        return Ok(());
    }
    edit.save()?;
    let path = escaped(&edit.path().display().to_string());
    console.say(format_args!("{} {}\n{}", styled(GOOD, "✓"), styled(STRONG, path), lines.trim_end()));
    Ok(())
}
