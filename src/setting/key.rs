//! The keys of a table, their shapes, and the check of a table against them.

use super::{Problem, Setting, Table, Value};
use crate::foreign::escaped;
use crate::name::ScopeSet;

/// One key of a table: the grammar, the mask, the schema and the help all read this.
#[derive(Debug)]
pub struct Key {
    /// The key as it is written, without a `_` prefix.
    pub name: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// What it means, in one sentence without a full stop.
    pub about: &'static str,
    /// What holds when it is not written, as it would be written.
    pub default: Option<&'static str>,
    /// Whether a table without it is wrong.
    pub required: bool,
    /// Whether the environment may set it for a provider that a file defines (DESIGN 1.5).
    pub from_environment: bool,
    /// Whether only the site and user layers may set it, because it runs a program or changes whom TLS trusts.
    pub trusted: bool,
}

impl Key {
    /// A key that may be left out.
    #[must_use]
    pub const fn new(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self { name, shape, about, default: None, required: false, from_environment: false, trusted: false }
    }

    /// The key with what holds when it is not written.
    #[must_use]
    pub const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// The key, required.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The key, which the environment may set for a provider that a file defines.
    #[must_use]
    pub const fn from_environment(mut self) -> Self {
        self.from_environment = true;
        self
    }

    /// The key, for the site and user layers alone.
    #[must_use]
    pub const fn trusted(mut self) -> Self {
        self.trusted = true;
        self
    }

    /// Whether its value is a secret.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        matches!(self.shape, Shape::Secret)
    }
}

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
    /// A token of elsewhere: `{ provider = … }`, `{ env = … }`, `{ file = … }`, `{ command = […] }`, `{ stdin = true }`.
    Input,
    /// A table of `true` and `false` for the names of a list.
    Flags(&'static [&'static str]),
    /// A table whose `style` members are out of a list: quirks.
    Quirks(&'static [&'static Key]),
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
            Self::Input => {
                "one of { provider = \"NAME\", token = … }, { env = … }, { file = … }, { command = […] }, { stdin = true }".to_owned()
            }
            Self::Flags(names) => format!("a table of true and false for {}", quoted(names)),
            Self::Quirks(_) => "a table of quirks".to_owned(),
        }
    }

    /// Whether a table given for the key is merged member by member with an earlier layer's.
    #[must_use]
    pub fn merges(self) -> bool {
        matches!(self, Self::Free | Self::Secrets | Self::Flags(_) | Self::Quirks(_))
    }

    fn fits(self, setting: &Setting) -> bool {
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
            (Self::Input, Value::Table(table)) => is_input(table),
            (Self::Flags(names), Value::Table(table)) => table.iter().all(|(name, member)| {
                names.contains(&name.as_str()) && matches!(member.value, Value::Boolean(_))
            }),
            (Self::Quirks(_), Value::Table(_)) => true,
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

/// Longer lengths of time are cut to a year: no wait here is longer, and clocks cannot count for ever.
pub(super) const LONGEST: std::time::Duration = std::time::Duration::from_secs(366 * 86_400);

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

/// Whether a table names a token of elsewhere; what it names is looked up later.
#[must_use]
pub fn is_input(table: &Table) -> bool {
    let fits = |name: &str, member: &Setting| match name {
        "stdin" => matches!(member.value, Value::Boolean(true)),
        "command" => Shape::Command.fits(member),
        "provider" | "token" | "account" | "env" | "file" => {
            member.text().is_some_and(|text| !text.is_empty())
        }
        _ => false,
    };
    let sources = ["provider", "env", "file", "command", "stdin"];
    let members = if table.contains_key("provider") { 3 } else { 1 };
    sources.iter().filter(|name| table.contains_key(**name)).count() == 1
        && table.len() <= members
        && table.iter().all(|(name, member)| fits(name, member))
}

/// Checks a table against its keys: unknown keys, wrong types, missing keys, and keys of a layer that may not set them.
/// The names are as they were normalised: a known secret stands without its `_`. An `open` table may have other keys too.
#[must_use]
pub fn check(path: &str, table: &Setting, keys: &[&Key], open: bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    let Some(members) = table.table() else {
        let message = format!("`{path}` must be a table, not {}", table.value.type_name());
        return vec![Problem::new(message, &table.origin)];
    };
    for (name, member) in members {
        match keys.iter().find(|key| key.name == name) {
            None if open => problems.extend(check_open(path, name, member)),
            None => problems.push(unknown(path, name, member, keys.iter().map(|key| key.name))),
            Some(key) => problems.extend(check_member(path, key, member)),
        }
    }
    for key in keys.iter().filter(|key| key.required && !members.contains_key(key.name)) {
        let problem = Problem::new(format!("`{path}` has no `{}`", key.name), &table.origin);
        problems.push(problem.hint(format!("{}: {}", key.name, key.about)));
    }
    problems
}

/// What is passed on is anything that JSON can hold; a key that begins with `_` is a secret.
fn check_open(path: &str, name: &str, member: &Setting) -> Option<Problem> {
    if name.starts_with('_') && !Shape::Secret.fits(member) {
        let message = format!("`{path}.{}` must be {}", escaped(name), Shape::Secret.expectation());
        return Some(Problem::new(message, &member.origin));
    }
    if let Value::Other(kind) = member.value {
        let message = format!("`{path}.{}` cannot be passed on: it is {kind}", escaped(name));
        return Some(Problem::new(message, &member.origin));
    }
    None
}

fn check_member(path: &str, key: &Key, member: &Setting) -> Option<Problem> {
    if key.trusted && !member.origin.layer().may_name_programs() {
        let message = format!("`{path}.{}` cannot be set by the {} layer", key.name, member.origin.layer());
        return Some(Problem::new(message, &member.origin).hint("write it in your own configuration file"));
    }
    if let (Shape::Quirks(quirks), Value::Table(_)) = (key.shape, &member.value) {
        return check(&format!("{path}.{}", key.name), member, quirks, false).into_iter().next();
    }
    if key.shape.fits(member) {
        return runs_untrusted_program(path, key, member);
    }
    let wrong = format!("`{path}.{}` must be {}", key.name, key.shape.expectation());
    let same_type =
        matches!((key.shape, &member.value), (Shape::Choice(_) | Shape::Duration, Value::Text(_)))
            || matches!(
                (key.shape, &member.value),
                (
                    Shape::Flags(_) | Shape::Free | Shape::Secrets | Shape::Secret | Shape::Input,
                    Value::Table(_)
                )
            )
            || matches!(key.shape, Shape::Scopes) && member.strings().is_some();
    let message = if same_type { wrong } else { format!("{wrong}, not {}", member.value.type_name()) };
    let mut problem = Problem::new(message, &member.origin);
    if let (Shape::Choice(choices), Some(text)) = (key.shape, member.text())
        && let Some(near) = near(text, choices.iter().copied())
    {
        problem = problem.hint(format!("did you mean \"{near}\"?"));
    }
    let secret = key.is_secret() || matches!(key.shape, Shape::Free | Shape::Secrets);
    Some(if secret { problem } else { problem.showing_value() })
}

/// A secret reference by `command` runs a program: not from a project or the environment (F-BIND2).
fn runs_untrusted_program(path: &str, key: &Key, member: &Setting) -> Option<Problem> {
    let untrusted = |setting: &Setting| {
        setting.table().is_some_and(|table| table.contains_key("command"))
            && !setting.origin.layer().may_name_programs()
    };
    let members = || member.table().into_iter().flat_map(|table| table.values());
    let in_members = matches!(key.shape, Shape::Free | Shape::Secrets) && members().any(untrusted);
    let found = (key.is_secret() || matches!(key.shape, Shape::Input)) && untrusted(member) || in_members;
    found.then(|| {
        Problem::new(format!("`{path}.{}` cannot run a program from here", key.name), &member.origin)
    })
}

/// The problem of a key that is not known, with the nearest that is.
#[must_use]
pub fn unknown<'a>(
    path: &str,
    name: &str,
    setting: &Setting,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Problem {
    let place = if path.is_empty() { "the configuration".to_owned() } else { format!("`{path}`") };
    let problem = Problem::new(format!("{place} has no key `{}`", escaped(name)), &setting.origin);
    match near(name.trim_start_matches('_'), known.clone()) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => {
            let known: Vec<&str> = known.collect();
            problem.hint(format!("its keys are {}", quoted(&known)))
        }
    }
}

/// The name of a list that is nearest to a misspelt one, if any is near.
#[must_use]
pub fn near<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn quoted(names: &[&str]) -> String {
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

    #[test]
    fn near_names() {
        let known = ["client_id", "client_secret", "scopes"];
        assert_eq!(near("client_idd", known.into_iter()), Some("client_id"));
        assert_eq!(near("scope", known.into_iter()), Some("scopes"));
        assert_eq!(near("zzz", known.into_iter()), None);
    }
}
