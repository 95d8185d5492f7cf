//! The definition of an output format: its name, and how it prints a token.

use crate::name::ProviderName;
use crate::secret::SecretText;
use crate::token::{Issued, NoHeaders, RequestTarget};

#[derive(Debug)]
pub struct Format {
    /// The value of `-o`.
    pub name: &'static str,
    /// What it prints, for the help.
    pub about: &'static str,
    pub render: fn(&Issued, &Subject<'_>) -> Result<SecretText, FormatError>,
}

/// The provider of a token.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub provider: &'a ProviderName,
    /// The environment variable that programs read the token from.
    pub variable: &'a str,
    /// The hosts that the token may be sent to.
    pub hosts: &'a [String],
    /// The user name that goes with the token if a password is needed.
    pub username: &'a str,
    /// The request that the token is for, if known.
    pub target: Option<&'a RequestTarget>,
}

/// Why a format cannot print a credential. The error contains no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    #[error("this credential contains a character that the format `{0}` cannot represent")]
    Unframeable(&'static str),
    #[error(transparent)]
    NoHeaders(#[from] NoHeaders),
}

/// Rejects line breaks and other control characters, which a line cannot represent.
pub(super) fn one_line(text: &str, format: &'static str) -> Result<(), FormatError> {
    let framed = if text.is_ascii() {
        !text.bytes().any(|byte| byte.is_ascii_control())
    } else {
        !text.chars().any(char::is_control)
    };
    if framed { Ok(()) } else { Err(FormatError::Unframeable(format)) }
}
