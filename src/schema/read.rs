//! Reads a value in its key's shape, or returns `None` if the value does not have that shape.

use std::collections::BTreeMap;
use std::time::Duration;

use super::key::Shape;
use super::secret::SecretSource;
use super::section::{Checked, Scopes, TokenKind, TokenSource};
use super::value::{Setting, Table, Value};
use crate::name::ScopeSet;
use crate::secret::SecretText;

/// Limits durations to a year, so that adding one to a time cannot overflow.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// Reads a key's value. `check` reads tables that have their own keys.
pub(super) fn read(shape: Shape, key: &str, setting: &Setting) -> Option<Checked> {
    Some(match (shape, &setting.value) {
        (Shape::Text, Value::Text(text)) => Checked::Text(text.clone()),
        (Shape::Choice(choices), Value::Text(text)) if choices.contains(&text.as_str()) => {
            Checked::Text(text.clone())
        }
        (Shape::Secret, _) => Checked::Secret(secret(key, setting)?),
        (Shape::Boolean, Value::Boolean(flag)) => Checked::Flag(*flag),
        (Shape::Strings, _) => Checked::Strings(owned(&setting.strings()?)),
        (Shape::Scopes, _) => Checked::Scopes(scopes(setting)?),
        (Shape::Duration, _) => Checked::Duration(length(setting)?),
        (Shape::Command, _) => Checked::Strings(command(setting)?),
        (Shape::Free | Shape::Secrets, Value::Table(members)) => {
            Checked::Secrets(secrets(shape, key, members)?)
        }
        (Shape::KeySource, Value::Text(text)) if matches!(text.as_str(), "file" | "passphrase") => {
            Checked::Text(text.clone())
        }
        (Shape::KeySource, Value::Table(table)) if table.len() == 1 => {
            Checked::Strings(command(table.get("command")?)?)
        }
        (Shape::Input, _) => Checked::Token(token_source(key, setting)?),
        (Shape::Flags(names), Value::Table(members)) => Checked::Flags(flags(names, members)?),
        _ => return None,
    })
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// A program and its arguments.
#[must_use]
pub fn command(setting: &Setting) -> Option<Vec<String>> {
    let Value::Array(_) = setting.value else { return None };
    let words = setting.strings()?;
    words.first().is_some_and(|program| !program.is_empty()).then(|| owned(&words))
}

/// Reads scopes, as one set and by capability.
#[must_use]
pub fn scopes(setting: &Setting) -> Option<Scopes> {
    let set = |setting: &Setting| {
        let mut texts = setting.strings()?.into_iter();
        texts.try_fold(ScopeSet::default(), |all, text| Some(all.union(&text.parse().ok()?)))
    };
    let Value::Table(capabilities) = &setting.value else {
        return Some(Scopes { all: set(setting)?, by_capability: BTreeMap::new() });
    };
    let of_capability = |(name, scopes): (&String, &Setting)| Some((name.clone(), set(scopes)?));
    let by_capability: BTreeMap<_, _> = capabilities.iter().map(of_capability).collect::<Option<_>>()?;
    let all = by_capability.values().fold(ScopeSet::default(), |all, set| all.union(set));
    Some(Scopes { all, by_capability })
}

fn length(setting: &Setting) -> Option<Duration> {
    match &setting.value {
        Value::Integer(seconds) => Some(LONGEST.min(Duration::from_secs(u64::try_from(*seconds).ok()?))),
        Value::Text(text) => parse_duration(text),
        _ => None,
    }
}

/// Parses a number followed by `ms`, `s`, `m`, `h` or `d`.
fn parse_duration(text: &str) -> Option<Duration> {
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
    Some(number.checked_mul(milliseconds).map_or(LONGEST, Duration::from_millis).min(LONGEST))
}

/// Parses the duration in an option or a query. The error says how to write one.
pub fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "expected a duration such as 90s, 5m or 1h".to_owned())
}

/// Reads a secret or a reference to one; `key` is its name in the token store.
#[must_use]
pub fn secret(key: &str, setting: &Setting) -> Option<SecretSource> {
    match &setting.value {
        Value::Text(text) => Some(SecretSource::Literal(SecretText::new(text.as_str()))),
        _ => secret_reference(key, setting),
    }
}

/// Reads a table with exactly one of `env`, `file`, `command` and `stored`.
#[must_use]
pub fn secret_reference(key: &str, setting: &Setting) -> Option<SecretSource> {
    let mut members = setting.table()?.iter();
    let (Some((name, member)), None) = (members.next(), members.next()) else { return None };
    let text = || member.text().filter(|text| !text.is_empty());
    match name.as_str() {
        "env" => Some(SecretSource::Environment(text()?.to_owned())),
        "file" => Some(SecretSource::File(setting.origin.beside(text()?))),
        "command" => Some(SecretSource::Command(command(member)?)),
        "stored" if matches!(member.value, Value::Boolean(true)) => {
            Some(SecretSource::Stored(key.to_owned()))
        }
        _ => None,
    }
}

/// Reads a table of secrets, or a table of strings in which names with `_` may have references.
fn secrets(shape: Shape, key: &str, members: &Table) -> Option<BTreeMap<String, SecretSource>> {
    let mut found = BTreeMap::new();
    for (name, member) in members {
        let may_refer = matches!(shape, Shape::Secrets) || name.starts_with('_');
        if !may_refer && member.text().is_none() {
            return None;
        }
        let bare = name.trim_start_matches('_');
        let source = secret(&format!("{key}.{bare}"), member)?;
        if !source.is_empty() {
            found.insert(bare.to_owned(), source);
        }
    }
    Some(found)
}

/// Reads the source of a subject token. Whether the provider exists is checked later.
#[must_use]
pub fn token_source(key: &str, setting: &Setting) -> Option<TokenSource> {
    let members = setting.table()?;
    if members.contains_key("provider") {
        let (mut provider, mut token, mut account) = (None, TokenKind::Access, None);
        for (member, setting) in members {
            let text = setting.text().filter(|text| !text.is_empty())?;
            match (member.as_str(), text) {
                ("provider", name) => provider = Some(name.to_owned()),
                ("account", name) => account = Some(name.to_owned()),
                ("token", "access_token") => {}
                ("token", "id_token") => token = TokenKind::Id,
                ("token", "refresh_token") => token = TokenKind::Refresh,
                _ => return None,
            }
        }
        return Some(TokenSource::Provider { name: provider?, token, account });
    }
    let is_stdin = |member: &Setting| members.len() == 1 && matches!(member.value, Value::Boolean(true));
    if members.get("stdin").is_some_and(is_stdin) {
        return Some(TokenSource::Stdin);
    }
    let source = secret_reference(key, setting)?;
    (!matches!(source, SecretSource::Stored(_))).then_some(TokenSource::Secret(source))
}

fn flags(names: &[&str], members: &Table) -> Option<BTreeMap<String, bool>> {
    let flag = |(name, member): (&String, &Setting)| match member.value {
        Value::Boolean(flag) if names.contains(&name.as_str()) => Some((name.clone(), flag)),
        _ => None,
    };
    members.iter().map(flag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Origin;

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

    fn setting(value: &toml::Value) -> Setting {
        let value = match value {
            toml::Value::String(text) => Value::Text(text.clone()),
            toml::Value::Integer(number) => Value::Integer(*number),
            toml::Value::Boolean(flag) => Value::Boolean(*flag),
            toml::Value::Array(items) => Value::Array(items.iter().map(setting).collect()),
            toml::Value::Table(members) => {
                Value::Table(members.iter().map(|(name, member)| (name.clone(), setting(member))).collect())
            }
            _ => Value::Other("something else"),
        };
        Setting::new(value, Origin::Default)
    }

    #[test]
    fn values_of_another_shape_are_rejected() {
        let is_read = |shape: Shape, text: &str| {
            let table: toml::Table = format!("key = {text}").parse().unwrap();
            read(shape, "key", &setting(&table["key"])).is_some()
        };
        let cases: [(Shape, &[&str], &[&str]); 9] = [
            (
                Shape::Secret,
                &["\"x\"", "{ env = \"X\" }", "{ stored = true }", "{ command = [\"a\"] }"],
                &[
                    "1",
                    "{ env = \"\" }",
                    "{ stored = false }",
                    "{ env = \"X\", file = \"y\" }",
                    "{}",
                    "{ command = [] }",
                ],
            ),
            (
                Shape::Input,
                &[
                    "{ provider = \"a\", token = \"id_token\", account = \"b\" }",
                    "{ stdin = true }",
                    "{ file = \"x\" }",
                ],
                &[
                    "\"x\"",
                    "{ stored = true }",
                    "{ stdin = false }",
                    "{ provider = \"a\", env = \"X\" }",
                    "{ provider = \"a\", token = \"x\" }",
                    "{ token = \"id_token\" }",
                ],
            ),
            (
                Shape::Free,
                &["{ a = \"x\", _b = { env = \"X\" } }"],
                &["{ a = { env = \"X\" } }", "{ a = 1 }", "\"x\""],
            ),
            (Shape::Secrets, &["{ a = { env = \"X\" } }"], &["{ a = [] }"]),
            (
                Shape::Scopes,
                &["\"a b\"", "[\"a\", \"b\"]", "{ read = \"a\" }"],
                &["1", "{ read = 1 }", "[1]"],
            ),
            (Shape::Command, &["[\"a\", \"\"]"], &["\"a\"", "[]", "[\"\"]", "[1]"]),
            (
                Shape::KeySource,
                &["\"file\"", "\"passphrase\"", "{ command = [\"a\"] }"],
                &["\"x\"", "{ command = \"a\" }", "{}"],
            ),
            (Shape::Flags(&["a"]), &["{ a = true }", "{}"], &["{ b = true }", "{ a = \"true\" }"]),
            (Shape::Duration, &["5", "\"5m\""], &["-5", "\"5\"", "true"]),
        ];
        for (shape, right, wrong) in cases {
            right.iter().for_each(|text| assert!(is_read(shape, text), "{shape:?}: {text}"));
            wrong.iter().for_each(|text| assert!(!is_read(shape, text), "{shape:?}: {text}"));
        }
    }
}
