//! What the values of keys look like.

use crate::name::ScopeSet;
use crate::schema::{Key, Setting, Table, Value};

/// What a key's value looks like.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A string.
    Text,
    /// A string out of a list.
    Choice(&'static [&'static str]),
    /// A literal, or a reference: `{ env = … }`, `{ file = … }`, `{ command = […] }`, `{ stored = true }`.
    Secret,
    /// `true` or `false`.
    Boolean,
    /// A string or an array of strings.
    Strings,
    /// An array of strings, or one string with blanks between them.
    Words,
    /// As `Words`, or a table of capability → scopes.
    Scopes,
    /// A length of time: `"90s"`, `"5m"`, `"1h"`, or seconds.
    Duration,
    /// A program and its arguments; no shell.
    Command,
    /// A table of strings; a key that begins with `_` holds a secret.
    Free,
    /// A table of secrets.
    Secrets,
    /// `"file"`, `"passphrase"` or `{ command = […] }`.
    KeySource,
    /// A token of elsewhere: `{ provider = … }`, `{ env = … }`, `{ file = … }`, `{ command = […] }`, `{ stdin = true }`.
    Input,
    /// A table of `true` and `false` for the names of a list.
    Flags(&'static [&'static str]),
    /// A table with keys of its own.
    Table(&'static [&'static Key]),
}

impl Shape {
    /// What to write, for messages and the help.
    #[must_use]
    pub fn expectation(self) -> String {
        match self {
            Self::Text => "a string".to_owned(),
            Self::Choice(choices) => format!("one of {}", quoted(choices)),
            Self::Secret => {
                "a string, or one of { env = … }, { file = … }, { command = […] }, { stored = true }"
                    .to_owned()
            }
            Self::Boolean => "true or false".to_owned(),
            Self::Strings => "a string or an array of strings".to_owned(),
            Self::Words => "an array of strings, or a string with blanks between them".to_owned(),
            Self::Scopes => {
                "an array of strings, a string with blanks between them, or a table of capabilities"
                    .to_owned()
            }
            Self::Duration => "a length of time like \"90s\" or \"5m\"".to_owned(),
            Self::Command => "an array of strings: a program and its arguments".to_owned(),
            Self::Free => "a table of strings".to_owned(),
            Self::Secrets => "a table of secrets".to_owned(),
            Self::KeySource => "\"file\", \"passphrase\" or { command = […] }".to_owned(),
            Self::Input => {
                "one of { provider = \"NAME\", token = … }, { env = … }, { file = … }, { command = […] }, { stdin = true }".to_owned()
            }
            Self::Flags(names) => format!("a table of true and false for {}", quoted(names)),
            Self::Table(keys) => {
                let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
                format!("a table of {}", quoted(&names))
            }
        }
    }

    /// Whether a table given for the key is merged member by member with an earlier layer's.
    #[must_use]
    pub fn merges(self) -> bool {
        matches!(self, Self::Free | Self::Secrets | Self::Flags(_) | Self::Table(_))
    }

    /// Whether a value is of this shape.
    #[must_use]
    pub fn fits(self, setting: &Setting) -> bool {
        let scopes = |setting: &Setting| {
            setting.strings().is_some_and(|words| words.iter().all(|word| word.parse::<ScopeSet>().is_ok()))
        };
        match (self, &setting.value) {
            (Self::Text, Value::Text(_)) | (Self::Boolean, Value::Boolean(_)) => true,
            (Self::Choice(choices), Value::Text(text)) => choices.contains(&text.as_str()),
            (Self::Secret, Value::Text(_)) => true,
            (Self::Secret, Value::Table(table)) => secret_reference(table),
            (Self::Strings | Self::Words, _) => setting.strings().is_some(),
            (Self::Scopes, Value::Table(table)) => table.values().all(scopes),
            (Self::Scopes, _) => scopes(setting),
            (Self::Duration, Value::Integer(seconds)) => *seconds >= 0,
            (Self::Duration, Value::Text(text)) => parse_duration(text).is_some(),
            (Self::Command, Value::Array(items)) => {
                !items.is_empty()
                    && items[0].text().is_some_and(|program| !program.is_empty())
                    && setting.strings().is_some()
            }
            (Self::Free, Value::Table(table)) => table.iter().all(|(name, member)| match &member.value {
                Value::Text(_) => true,
                Value::Table(reference) => name.starts_with('_') && secret_reference(reference),
                _ => false,
            }),
            (Self::Secrets, Value::Table(table)) => table.values().all(|member| Self::Secret.fits(member)),
            (Self::KeySource, Value::Text(text)) => matches!(text.as_str(), "file" | "passphrase"),
            (Self::KeySource, Value::Table(table)) => {
                table.len() == 1 && table.get("command").is_some_and(|command| Self::Command.fits(command))
            }
            (Self::Input, Value::Table(table)) => is_input(table),
            (Self::Flags(names), Value::Table(table)) => table.iter().all(|(name, member)| {
                names.contains(&name.as_str()) && matches!(member.value, Value::Boolean(_))
            }),
            (Self::Table(_), Value::Table(_)) => true,
            _ => false,
        }
    }
}

/// A length of time: a number and `ms`, `s`, `m`, `h` or `d`; `None` for anything else.
#[must_use]
pub fn parse_duration(text: &str) -> Option<std::time::Duration> {
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let milliseconds = match text[digits..].trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(number.checked_mul(milliseconds).map_or(LONGEST, std::time::Duration::from_millis).min(LONGEST))
}

/// Parses the duration that an option or a query names.
///
/// # Errors
/// How to write it.
pub fn duration(text: &str) -> Result<std::time::Duration, String> {
    parse_duration(text).ok_or_else(|| "write a length of time like 90s, 5m or 1h".to_owned())
}

/// Longer lengths of time are cut to a year: no wait here is longer, and clocks cannot count for ever.
pub(crate) const LONGEST: std::time::Duration = std::time::Duration::from_secs(366 * 86_400);

/// Whether a table is a secret reference: exactly one of `env`, `file`, `command` and `stored`, with its type.
#[must_use]
pub fn secret_reference(table: &Table) -> bool {
    let mut members = table.iter();
    let (Some((name, member)), None) = (members.next(), members.next()) else { return false };
    match name.as_str() {
        "env" | "file" => member.text().is_some_and(|text| !text.is_empty()),
        "command" => Shape::Command.fits(member),
        "stored" => matches!(member.value, Value::Boolean(true)),
        _ => false,
    }
}

/// The tokens of another provider that may be meant.
pub const INPUT_TOKENS: &[&str] = &["access_token", "id_token", "refresh_token"];

/// Whether a table names a token of elsewhere; what it names is looked up later.
#[must_use]
pub fn is_input(table: &Table) -> bool {
    let fits = |name: &str, member: &Setting| match name {
        "stdin" => matches!(member.value, Value::Boolean(true)),
        "command" => Shape::Command.fits(member),
        "token" => member.text().is_some_and(|text| INPUT_TOKENS.contains(&text)),
        "provider" | "account" | "env" | "file" => member.text().is_some_and(|text| !text.is_empty()),
        _ => false,
    };
    let sources = ["provider", "env", "file", "command", "stdin"];
    let members = if table.contains_key("provider") { 3 } else { 1 };
    sources.iter().filter(|name| table.contains_key(**name)).count() == 1
        && table.len() <= members
        && table.iter().all(|(name, member)| fits(name, member))
}

/// Names for a message.
pub(crate) fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn durations() {
        for (text, want) in [
            ("90s", Some(Duration::from_secs(90))),
            ("5m", Some(Duration::from_secs(300))),
            ("500ms", Some(Duration::from_millis(500))),
            ("1h", Some(Duration::from_secs(3600))),
            ("5", None),
            ("-5s", None),
            ("5 fortnights", None),
            ("99999999999999999999s", None),
            ("99999999999999999s", Some(LONGEST)),
        ] {
            assert_eq!(parse_duration(text), want, "{text}");
        }
    }
}
