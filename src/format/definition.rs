//! What a format is: its name, and how it prints a token.

use crate::name::ProviderName;
use crate::secret::SecretText;
use crate::token::{Issued, NoHeaders, RequestTarget};

#[derive(Debug)]
pub struct Format {
    /// Its name after `-o`.
    pub name: &'static str,
    /// What it prints, for the help.
    pub about: &'static str,
    /// Writes a token.
    pub render: fn(&Issued, &Subject<'_>) -> Result<SecretText, FormatError>,
}

/// Whose token it is.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub provider: &'a ProviderName,
    /// The environment variable that programs read it from.
    pub variable: &'a str,
    /// The hosts that it may be sent to.
    pub hosts: &'a [String],
    /// The user name that goes with it where a password is wanted.
    pub username: &'a str,
    /// The request that it is for, where that is known.
    pub target: Option<&'a RequestTarget>,
}

/// A credential that a format cannot carry; no part of it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It would break the format's lines.
    #[error("this credential has a character that the format `{0}` cannot carry")]
    Unframeable(&'static str),
    /// It makes no headers.
    #[error(transparent)]
    NoHeaders(#[from] NoHeaders),
}

/// Refuses line breaks and other control characters, which a line cannot carry.
pub(super) fn one_line(text: &str, format: &'static str) -> Result<(), FormatError> {
    let framed = if text.is_ascii() {
        !text.bytes().any(|byte| byte.is_ascii_control())
    } else {
        !text.chars().any(char::is_control)
    };
    if framed { Ok(()) } else { Err(FormatError::Unframeable(format)) }
}
