//! `NAME=PROVIDER[:FORMAT]`, which assigns a token to a variable.

use std::str::FromStr;

use crate::format::{FORMATS, Format, named};
use crate::name::ProviderName;

/// The form that is not one of the output formats.
const ID_TOKEN: &str = "id-token";

#[derive(Debug, Clone)]
pub struct Assignment {
    pub variable: String,
    pub provider: ProviderName,
    pub form: Form,
}

/// How the token is formatted.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    Format(&'static Format),
    /// The bare ID token instead of the access token.
    IdToken,
}

impl Default for Form {
    fn default() -> Self {
        Self::Format(FORMATS[0])
    }
}

impl FromStr for Form {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == ID_TOKEN {
            return Ok(Self::IdToken);
        }
        let names = || FORMATS.iter().map(|format| format.name).chain([ID_TOKEN]).collect::<Vec<_>>();
        named(text)
            .map(Self::Format)
            .ok_or_else(|| format!("not a valid form; use one of {}", names().join(", ")))
    }
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (variable, rest) = text
            .split_once('=')
            .filter(|(variable, _)| is_variable(variable))
            .ok_or("use NAME=PROVIDER, where NAME consists of letters, digits and `_`")?;
        let (provider, form) = match rest.split_once(':') {
            Some((provider, form)) => (provider, form.parse()?),
            None => (rest, Form::default()),
        };
        let provider = provider.parse::<ProviderName>().map_err(|error| error.to_string())?;
        Ok(Self { variable: variable.to_owned(), provider, form })
    }
}

/// Whether every shell can use this name (POSIX XBD 3.216).
fn is_variable(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().all(fits) && name.starts_with(|c: char| !c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments() {
        let form = |form: Form| match form {
            Form::Format(format) => format.name,
            Form::IdToken => ID_TOKEN,
        };
        for (name, text, want) in [
            ("plain", "TOKEN=github", Some(("TOKEN", "github", "raw"))),
            ("a format", "X_1=as:header", Some(("X_1", "as", "header"))),
            ("the ID token", "_x=as:id-token", Some(("_x", "as", "id-token"))),
            ("no variable", "=github", None),
            ("no equals sign", "github", None),
            ("a digit first", "1X=github", None),
            ("a hyphen in the variable", "A-B=github", None),
            ("no provider", "X=", None),
            ("a wrong provider", "X=Git Hub", None),
            ("no such form", "X=github:yaml", None),
            ("an empty form", "X=github:", None),
        ] {
            let got = text.parse::<Assignment>().ok();
            let got = got.as_ref().map(|got| (got.variable.as_str(), got.provider.as_str(), form(got.form)));
            assert_eq!(got, want, "{name}");
        }
        assert!("X=a:yaml".parse::<Assignment>().unwrap_err().ends_with("id-token"), "the forms are listed");
    }
}
