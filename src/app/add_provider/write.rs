//! Writes a draft to the config file and the token store.

use super::draft::Draft;
use super::questions::unreadable;
use crate::app::App;
use crate::config::edit::Edit;
use crate::error::Error;
use crate::session::{Open, Session};
use crate::text::style::{GOOD, STRONG, styled};
use crate::text::untrusted::escaped;

/// Shows the change, asks for confirmation if `asks` is set, and writes the draft and its secrets. Returns whether it was
/// written.
///
/// # Errors
/// Any [`Error`]; the config file is then unchanged.
pub fn write(app: &App<'_>, draft: &Draft, replace: bool, default: bool, asks: bool) -> Result<bool, Error> {
    let console = &app.system.console;
    let mut edit = Edit::open(app.config)?;
    edit.add(&draft.name, &draft.keys, replace)?;
    if default {
        edit.set_default(&draft.name);
    }
    edit.check(app.system, &draft.name)?;
    let path = escaped(&edit.path().display().to_string());
    console.say(format_args!("\n{path}\n{}", edit.changes(app.system)?.trim_end()));
    if asks && !app.system.input.confirm("Save this?", true).map_err(unreadable)? {
        console.say("Nothing was saved.");
        return Ok(false);
    }
    edit.save()?;
    if let Err(error) = save_secrets(app, draft) {
        // Do not leave a provider whose secret is missing.
        let _ = edit.restore();
        return Err(error);
    }
    console.say(format_args!("{} Added {}.", styled(GOOD, "✓"), styled(STRONG, &draft.name)));
    Ok(true)
}

fn save_secrets(app: &App<'_>, draft: &Draft) -> Result<(), Error> {
    if draft.secrets.is_empty() {
        return Ok(());
    }
    let config = app.reload();
    let Open { provider, session } = Session::open(app.system, &config, Some(&draft.name))?;
    let binding = provider.source.binding();
    for (key, secret) in &draft.secrets {
        session.store.save_secret(&draft.name, key, &binding, secret)?;
    }
    Ok(())
}
