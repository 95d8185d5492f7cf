//! A table after the check against its keys, through which a provider kind reads its configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::origin::Origin;
use super::problem::Problem;
use super::secret::{PassedOn, SecretSource};
use crate::name::ScopeSet;

/// A value in its key's shape.
#[derive(Debug, Clone)]
pub enum Checked {
    Text(String),
    Flag(bool),
    Strings(Vec<String>),
    Scopes(Scopes),
    Duration(Duration),
    Secret(SecretSource),
    /// By their names, without a `_`.
    Secrets(BTreeMap<String, SecretSource>),
    Token(TokenSource),
    Flags(BTreeMap<String, bool>),
    Table(Section),
}

#[derive(Debug, Clone, Default)]
pub struct Scopes {
    /// The scopes of all capabilities.
    pub all: ScopeSet,
    /// Empty if the scopes are not a table.
    pub by_capability: BTreeMap<String, ScopeSet>,
}

/// Which token to take from another provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    Access,
    Id,
    /// The refresh token, which may be sent only to the endpoint that issued it.
    Refresh,
}

/// Where a subject token comes from.
#[derive(Debug, Clone)]
pub enum TokenSource {
    /// Another provider in this configuration; the names are not checked yet.
    Provider {
        name: String,
        token: TokenKind,
        /// Its account, if several are logged in.
        account: Option<String>,
    },
    /// A variable, a file or a program, read again for every use.
    Secret(SecretSource),
    Stdin,
}

/// A checked table. The getters do not add default values.
#[derive(Debug, Clone)]
pub struct Section {
    path: String,
    origin: Origin,
    values: BTreeMap<&'static str, (Checked, Origin)>,
    passed_on: BTreeMap<String, PassedOn>,
}

impl Section {
    /// An empty table at a path like `credentials.github.oauth`.
    #[must_use]
    pub fn new(path: &str, origin: &Origin) -> Self {
        let (path, origin) = (path.to_owned(), origin.clone());
        Self { path, origin, values: BTreeMap::new(), passed_on: BTreeMap::new() }
    }

    pub(super) fn insert(&mut self, key: &'static str, value: Checked, origin: &Origin) {
        self.values.insert(key, (value, origin.clone()));
    }

    pub(super) fn pass_on(&mut self, key: &str, value: PassedOn) {
        self.passed_on.insert(key.to_owned(), value);
    }

    fn value(&self, key: &str) -> Option<&Checked> {
        self.values.get(key).map(|(value, _)| value)
    }

    #[must_use]
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.values.get(key).map(|(_, origin)| origin)
    }

    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// A string that is not empty.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.text_or_empty(key).filter(|text| !text.is_empty())
    }

    /// A string, which may be empty.
    #[must_use]
    pub fn text_or_empty(&self, key: &str) -> Option<&str> {
        if let Checked::Text(text) = self.value(key)? { Some(text) } else { None }
    }

    #[must_use]
    pub fn flag(&self, key: &str) -> Option<bool> {
        if let Checked::Flag(flag) = self.value(key)? { Some(*flag) } else { None }
    }

    /// The strings that are not empty.
    #[must_use]
    pub fn strings(&self, key: &str) -> Vec<String> {
        let Some(Checked::Strings(strings)) = self.value(key) else { return Vec::new() };
        strings.iter().filter(|text| !text.is_empty()).cloned().collect()
    }

    /// Returns the scopes, or no scopes if the key is missing.
    #[must_use]
    pub fn scopes(&self, key: &str) -> Scopes {
        if let Some(Checked::Scopes(scopes)) = self.value(key) { scopes.clone() } else { Scopes::default() }
    }

    #[must_use]
    pub fn duration(&self, key: &str) -> Option<Duration> {
        if let Checked::Duration(duration) = self.value(key)? { Some(*duration) } else { None }
    }

    /// Returns a path; a relative path starts at the config file's folder, `~/` at the user's home.
    #[must_use]
    pub fn path(&self, key: &str, home: Option<&Path>) -> Option<PathBuf> {
        let path = self.origin(key)?.beside(self.text(key)?);
        match (path.strip_prefix("~"), home) {
            (Ok(rest), Some(home)) => Some(home.join(rest)),
            _ => Some(path),
        }
    }

    /// Returns a secret's source, or `None` for `""`.
    #[must_use]
    pub fn secret(&self, key: &str) -> Option<SecretSource> {
        match self.value(key)? {
            Checked::Secret(source) if !source.is_empty() => Some(source.clone()),
            _ => None,
        }
    }

    /// The members of a table of strings or secrets.
    #[must_use]
    pub fn free(&self, key: &str) -> BTreeMap<String, SecretSource> {
        if let Some(Checked::Secrets(members)) = self.value(key) { members.clone() } else { BTreeMap::new() }
    }

    /// Returns a subject token's source.
    #[must_use]
    pub fn token(&self, key: &str) -> Option<&TokenSource> {
        if let Checked::Token(source) = self.value(key)? { Some(source) } else { None }
    }

    /// Returns the unknown keys of an open table, which are passed on.
    #[must_use]
    pub fn passed_on(&self) -> &BTreeMap<String, PassedOn> {
        &self.passed_on
    }

    #[must_use]
    pub fn flags(&self, key: &str) -> BTreeMap<String, bool> {
        if let Some(Checked::Flags(flags)) = self.value(key) { flags.clone() } else { BTreeMap::new() }
    }

    #[must_use]
    pub fn section(&self, key: &str) -> Option<&Self> {
        if let Checked::Table(section) = self.value(key)? { Some(section) } else { None }
    }

    /// Returns a problem with a key's URL. The excerpt hides a URL that contains a password.
    #[must_use]
    pub fn url_problem(&self, key: &str, message: &str, is_secret: bool) -> Problem {
        let problem = self.problem(key, message);
        if is_secret { problem.hiding_value() } else { problem }
    }

    /// Returns a problem with a key's value, or with the table if the key is missing. The excerpt shows the value, so the key
    /// must not be secret.
    #[must_use]
    pub fn problem(&self, key: &str, message: &str) -> Problem {
        let message = format!("`{}.{key}` {message}", self.path);
        match self.origin(key) {
            Some(origin) => Problem::new(message, origin).showing_value(),
            None => Problem::new(message, &self.origin),
        }
    }
}
