//! Shows what will be written, and writes it.

use super::Draft;
use super::questions::unreadable;
use crate::commands::Invocation;
use crate::config::edit::Edit;
use crate::console::{GOOD, STRONG, styled};
use crate::error::Error;
use crate::foreign::escaped;
use crate::session::Sessions;

/// Writes a draft, its secrets into the token store; shows what changes, and, where `asks`, asks before.
///
/// # Errors
/// Any [`Error`]; then the file is as it was.
pub fn write(
    invocation: &Invocation<'_>,
    draft: &Draft,
    replace: bool,
    default: bool,
    asks: bool,
) -> Result<bool, Error> {
    let console = &invocation.system.console;
    let mut edit = Edit::open(invocation.config)?;
    edit.add(&draft.name, &draft.keys, replace)?;
    if default {
        edit.set_default(&draft.name);
    }
    edit.check(invocation.system, &draft.name)?;
    let path = escaped(&edit.path().display().to_string());
    console.say(format_args!("\n{path}\n{}", edit.changes(invocation.system)?.trim_end()));
    if asks && !invocation.system.input.confirm("Write this?", true).map_err(unreadable)? {
        console.say("Nothing was written.");
        return Ok(false);
    }
    edit.save()?;
    if let Err(error) = keep_secrets(invocation, draft) {
        // A configuration that names a secret which is not there helps nobody.
        let _ = edit.restore();
        return Err(error);
    }
    console.say(format_args!("{} Added {}.", styled(GOOD, "✓"), styled(STRONG, &draft.name)));
    Ok(true)
}

fn keep_secrets(invocation: &Invocation<'_>, draft: &Draft) -> Result<(), Error> {
    if draft.secrets.is_empty() {
        return Ok(());
    }
    let config = invocation.reload();
    let session = Sessions::new(invocation.system, &config);
    let provider = session.provider(Some(&draft.name))?;
    let session = session.keeping(&provider.name);
    let binding = provider.source.binding();
    for (key, secret) in &draft.secrets {
        session.store.keep_secret(&draft.name, key, &binding, secret)?;
    }
    Ok(())
}
