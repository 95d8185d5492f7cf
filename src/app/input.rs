//! Reads what the user types or pipes in.

use std::io;

use super::App;
use crate::advice::{Advise, Status};
use crate::error::{CommandError, Error};
use crate::secret::{self, SecretText};

#[derive(Debug, thiserror::Error)]
pub enum InputError {
    #[error("cannot read {what}: {reason}")]
    Unreadable { what: &'static str, hint: &'static str, reason: io::Error },
    #[error("{what} is empty")]
    Empty { what: &'static str, hint: &'static str },
    #[error("the two passphrases differ")]
    Different,
    /// The user gave no valid answer after several tries.
    #[error("no valid value was entered for `{0}`")]
    NotGiven(String),
    #[error("no provider was selected")]
    NoProvider,
    #[error("no valid name was entered")]
    NoName,
}

impl InputError {
    pub fn unreadable(what: &'static str, hint: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |reason| Self::Unreadable { what, hint, reason }
    }
}

impl Advise for InputError {
    fn status(&self) -> Status {
        Status::Failed
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unreadable { hint, .. } | Self::Empty { hint, .. } => hint,
            Self::Different => "try again",
            Self::NotGiven(_) => "nothing was written",
            Self::NoProvider => "run `authctl provider templates` to list the templates",
            Self::NoName => "run `authctl provider add NAME`",
        };
        Some(hint.to_owned())
    }
}

impl CommandError for InputError {}

/// Reads a secret from standard input, or asks for it with hidden input.
///
/// # Errors
/// [`InputError::Unreadable`], [`InputError::Empty`].
pub fn read_secret(app: &App<'_>, label: &str) -> Result<SecretText, Error> {
    let input = &app.system.input;
    let read = if input.is_terminal() { input.ask_hidden(label) } else { input.read_all(secret::LONGEST) };
    let text = read.map_err(InputError::unreadable("the secret", "pipe it into standard input"))?;
    let secret = text.expose().trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        let hint = "pipe it into standard input, or type it when asked";
        return Err(InputError::Empty { what: "the secret", hint }.into());
    }
    Ok(SecretText::new(secret))
}
