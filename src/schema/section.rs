//! The typed view of a checked table: what a provider kind reads its keys through.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::binding::Binding;
use crate::schema::shape::{LONGEST, parse_duration};
use crate::schema::{Key, Origin, Problem, Setting, Table, Value};
use crate::secret::SecretText;

/// Where a secret comes from. It is resolved only when it is needed, by `secret_source`.
#[derive(Debug, Clone)]
pub enum SecretSource {
    /// It is written in the configuration.
    Literal(SecretText),
    /// It is the value of an environment variable.
    Environment(String),
    /// It is what a file holds; a relative path counts from the configuration file.
    File(PathBuf),
    /// It is what a program prints.
    Command(Vec<String>),
    /// It is kept in the token store under this key, by `authctl secret set`.
    Stored(String),
}

impl SecretSource {
    /// Tells two sources apart without holding a secret: a literal by its fingerprint, a reference by what it names.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let (kind, named) = match self {
            Self::Literal(secret) => ("literal", secret.expose().to_owned()),
            Self::Environment(name) => ("env", name.clone()),
            Self::File(path) => ("file", path.display().to_string()),
            Self::Command(command) => ("command", command.join("\u{1f}")),
            Self::Stored(key) => ("stored", key.clone()),
        };
        Binding::default().with(kind, named).fingerprint()
    }
}

/// A value that is passed on to a program.
#[derive(Debug, Clone)]
pub enum PassedOn {
    /// As it is written, in JSON.
    Plain(serde_json::Value),
    /// A secret: its key began with `_`.
    Secret(SecretSource),
}

/// A table that was checked against its keys. Its getters give what is written, and nothing for what is not: that the
/// types are right was checked before.
#[derive(Debug, Clone, Copy)]
pub struct Section<'a> {
    path: &'a str,
    table: &'a Table,
    origin: &'a Origin,
}

impl<'a> Section<'a> {
    /// The view of a table at a path like `credentials.github.oauth`.
    #[must_use]
    pub fn new(path: &'a str, table: &'a Table, origin: &'a Origin) -> Self {
        Self { path, table, origin }
    }

    /// The setting of a key.
    #[must_use]
    pub fn setting(&self, key: &str) -> Option<&'a Setting> {
        self.table.get(key)
    }

    /// Whether a key is written.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A string that is not empty.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.setting(key).and_then(Setting::text).filter(|text| !text.is_empty())
    }

    /// `true` or `false`.
    #[must_use]
    pub fn flag(&self, key: &str) -> Option<bool> {
        if let Value::Boolean(flag) = self.setting(key)?.value { Some(flag) } else { None }
    }

    /// A string or an array of strings.
    #[must_use]
    pub fn strings(&self, key: &str) -> Vec<String> {
        let strings = self.setting(key).and_then(Setting::strings).unwrap_or_default();
        strings.into_iter().filter(|text| !text.is_empty()).map(str::to_owned).collect()
    }

    /// A length of time.
    #[must_use]
    pub fn duration(&self, key: &str) -> Option<Duration> {
        match &self.setting(key)?.value {
            Value::Integer(seconds) => {
                u64::try_from(*seconds).ok().map(|seconds| LONGEST.min(Duration::from_secs(seconds)))
            }
            Value::Text(text) => parse_duration(text),
            _ => None,
        }
    }

    /// A path: a relative one lies beside the configuration file, `~/` is the user's home.
    #[must_use]
    pub fn path(&self, key: &str, home: Option<&std::path::Path>) -> Option<PathBuf> {
        let path = beside(&self.setting(key)?.origin, self.text(key)?);
        match (path.strip_prefix("~"), home) {
            (Ok(rest), Some(home)) => Some(home.join(rest)),
            _ => Some(path),
        }
    }

    /// Where a secret comes from.
    #[must_use]
    pub fn secret(&self, key: &str) -> Option<SecretSource> {
        secret_source(key, self.setting(key)?)
    }

    /// The members of a table of strings; those whose name began with `_` are secrets.
    #[must_use]
    pub fn free(&self, key: &str) -> BTreeMap<String, SecretSource> {
        let members = self.setting(key).and_then(Setting::table).into_iter().flatten();
        members
            .filter_map(|(name, member)| {
                let bare = name.trim_start_matches('_');
                Some((bare.to_owned(), secret_source(&format!("{key}.{bare}"), member)?))
            })
            .collect()
    }

    /// All other keys than these, to be passed on; those that begin with `_` are secrets.
    #[must_use]
    pub fn passed_on(&self, keys: &[&Key]) -> BTreeMap<String, PassedOn> {
        let others = self.table.iter().filter(|(name, _)| !keys.iter().any(|key| key.name == *name));
        others
            .filter_map(|(name, setting)| {
                let bare = name.trim_start_matches('_');
                let value = if bare == name {
                    PassedOn::Plain(setting.json())
                } else {
                    PassedOn::Secret(secret_source(bare, setting)?)
                };
                Some((bare.to_owned(), value))
            })
            .collect()
    }

    /// The members of a table of flags.
    #[must_use]
    pub fn flags(&self, key: &str) -> BTreeMap<&'a str, bool> {
        let members = self.setting(key).and_then(Setting::table).into_iter().flatten();
        members
            .filter_map(|(name, member)| match member.value {
                Value::Boolean(flag) => Some((name.as_str(), flag)),
                _ => None,
            })
            .collect()
    }

    /// The table under a key as a section of its own.
    #[must_use]
    pub fn section(&self, key: &str) -> Option<Section<'a>> {
        let setting = self.setting(key)?;
        Some(Section { path: self.path, table: setting.table()?, origin: &setting.origin })
    }

    /// A problem with a URL under a key; its value is shown unless it has a password in it.
    #[must_use]
    pub fn url_problem(&self, key: &str, message: &str, is_secret: bool) -> Problem {
        let problem = self.problem(key, message);
        if is_secret { problem.hiding_value() } else { problem }
    }

    /// A problem with the value of a key, or with the table when the key is not written. The value is shown: only for
    /// keys that are no secrets.
    #[must_use]
    pub fn problem(&self, key: &str, message: &str) -> Problem {
        let message = format!("`{}.{key}` {message}", self.path);
        match self.setting(key) {
            Some(setting) => Problem::new(message, &setting.origin).showing_value(),
            None => Problem::new(message, self.origin),
        }
    }
}

fn secret_source(key: &str, setting: &Setting) -> Option<SecretSource> {
    match &setting.value {
        Value::Text(text) if text.is_empty() => None,
        Value::Text(text) => Some(SecretSource::Literal(SecretText::new(text.as_str()))),
        Value::Table(table) => {
            let (name, reference) = table.iter().next()?;
            Some(match name.as_str() {
                "env" => SecretSource::Environment(reference.text()?.to_owned()),
                "file" => SecretSource::File(beside(&setting.origin, reference.text()?)),
                "command" => {
                    SecretSource::Command(reference.strings()?.into_iter().map(str::to_owned).collect())
                }
                _ => SecretSource::Stored(key.to_owned()),
            })
        }
        _ => None,
    }
}

/// A path as the configuration file means it: relative ones lie beside the file.
fn beside(origin: &Origin, path: &str) -> PathBuf {
    let folder = match origin {
        Origin::File { source, .. } => source.path.as_deref().and_then(|file| file.parent()),
        _ => None,
    };
    match folder {
        Some(folder) if !path.starts_with("~/") => folder.join(path),
        _ => PathBuf::from(path),
    }
}
