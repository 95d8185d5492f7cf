//! The encrypted files' passphrase, typed on a terminal or read from standard input.

use crate::app::App;
use crate::app::input::InputError;
use crate::error::Error;
use crate::secret::SecretText;
use crate::store::TokenStore;
use crate::store::survey::Passphrase;

/// Asks for the encrypted files' passphrase, or for a new one if none was chosen yet. Returns whether they use a passphrase.
pub fn unlock_files(app: &App<'_>, store: &TokenStore<'_>) -> Result<bool, Error> {
    match store.passphrase()? {
        None => return Ok(false),
        Some(Passphrase::Given) => {}
        Some(Passphrase::Locked) => {
            store.unlock_files(&ask(app, "Passphrase for the encrypted files")?)?;
        }
        Some(Passphrase::ToBeChosen) => store.unlock_files(&choose(app)?)?,
    }
    Ok(true)
}

/// Asks for a new passphrase, twice on a terminal.
pub fn choose(app: &App<'_>) -> Result<SecretText, Error> {
    let first = ask(app, "New passphrase for the encrypted files")?;
    if app.system.input.is_terminal() {
        let second = ask(app, "Repeat the passphrase")?;
        if first.expose() != second.expose() {
            return Err(InputError::Different.into());
        }
    }
    Ok(first)
}

/// Reads a passphrase from the terminal or from standard input.
pub fn ask(app: &App<'_>, question: &str) -> Result<SecretText, Error> {
    const LONGEST: usize = 4096;
    let input = &app.system.input;
    let read = if input.is_terminal() { input.ask_hidden(question) } else { input.read_all(LONGEST) };
    let hint = "type it, or pipe it into standard input";
    let text = read.map_err(InputError::unreadable("the passphrase", hint))?;
    let passphrase = text.expose().trim_end_matches(['\r', '\n']);
    if passphrase.is_empty() {
        return Err(InputError::Empty { what: "the passphrase", hint }.into());
    }
    Ok(SecretText::new(passphrase))
}
