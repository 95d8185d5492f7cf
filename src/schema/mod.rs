//! One configured value with the place it came from, and what can be wrong with it.

mod key;
mod section;
mod shape;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

pub use crate::schema::key::{Key, check, near, unknown};
pub use crate::schema::section::{PassedOn, SecretSource, Section};
pub use crate::schema::shape::{Shape, duration, is_input, parse_duration, secret_reference};

/// Where a value may come from, lowest first: a later layer wins (DESIGN 1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// A preset that a credential names by `template`.
    Template,
    /// What `authctl login` learned of servers and registered with them; it may not name programs or secrets.
    Learned,
    /// The machine's file, `/etc/authctl/config.toml`.
    Site,
    /// The user's file.
    User,
    /// `.authctl.toml` of the project that is worked in; it may only select and narrow.
    Project,
    /// `AUTHCTL_…` variables.
    Environment,
}

impl Layer {
    /// Whether this layer may name programs, certificates and proxies: only what the user or the machine's
    /// administrator wrote may (F-BIND2).
    #[must_use]
    pub fn may_name_programs(self) -> bool {
        matches!(self, Self::Template | Self::Site | Self::User)
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Template => "template",
            Self::Learned => "learned",
            Self::Site => "site",
            Self::User => "user",
            Self::Project => "project",
            Self::Environment => "environment",
        })
    }
}

/// A configuration text and its name for messages. Its `Debug` shows no text: it may hold secrets.
pub struct SourceFile {
    /// The layer that the text belongs to.
    pub layer: Layer,
    /// How messages call it: a path, or `template github`.
    pub name: String,
    /// The file, for relative paths in it.
    pub path: Option<PathBuf>,
    /// The text itself.
    pub text: String,
}

impl fmt::Debug for SourceFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SourceFile({} {})", self.layer, self.name)
    }
}

/// Where a value was written.
#[derive(Debug, Clone)]
pub enum Origin {
    /// In a file: the span of its key (of the table's header, for a table), in bytes.
    File {
        /// The file.
        source: Arc<SourceFile>,
        /// The key's span in the file's text.
        key: Range<usize>,
        /// The value's span in the file's text.
        value: Range<usize>,
    },
    /// In an environment variable of this name.
    Variable(String),
    /// Nowhere: it is what holds when nothing is written.
    Default,
}

impl Origin {
    /// The layer of the value.
    #[must_use]
    pub fn layer(&self) -> Layer {
        match self {
            Self::File { source, .. } => source.layer,
            Self::Variable(_) => Layer::Environment,
            Self::Default => Layer::Template,
        }
    }

    /// The file's line, counted from 1.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        let Self::File { source, key, .. } = self else { return None };
        source.text.get(..key.start).map(|before| before.matches('\n').count() + 1)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { source, .. } => match (self.line(), source.layer) {
                (Some(line), layer) if layer != Layer::Template => {
                    write!(formatter, "{}:{line}", source.name)
                }
                _ => formatter.write_str(&source.name),
            },
            Self::Variable(name) => formatter.write_str(name),
            Self::Default => formatter.write_str("default"),
        }
    }
}

/// A table of the configuration, by key.
pub type Table = BTreeMap<String, Setting>;

/// A value of the configuration. Its `Debug` shows the type alone: it may be a secret.
#[derive(Clone)]
pub enum Value {
    /// A string.
    Text(String),
    /// An integer.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// An array.
    Array(Vec<Setting>),
    /// A table.
    Table(Table),
    /// A float or a date, which no key takes; by its name in messages.
    Other(&'static str),
}

impl Value {
    /// What the value is, with its article, for messages.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Boolean(_) => "a boolean",
            Self::Array(_) => "an array",
            Self::Table(_) => "a table",
            Self::Other(name) => name,
        }
    }

    /// Whether it stands for "no keys given": `""` or `{}`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Table(table) => table.is_empty(),
            _ => false,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.type_name())
    }
}

/// A value and where it was written.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The value.
    pub value: Value,
    /// Where it was written.
    pub origin: Origin,
}

impl Setting {
    /// A setting of a value.
    #[must_use]
    pub fn new(value: Value, origin: Origin) -> Self {
        Self { value, origin }
    }

    /// The string, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    /// The table, if it is one.
    #[must_use]
    pub fn table(&self) -> Option<&Table> {
        if let Value::Table(table) = &self.value { Some(table) } else { None }
    }

    /// The value in JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        match &self.value {
            Value::Text(text) => text.as_str().into(),
            Value::Integer(number) => (*number).into(),
            Value::Boolean(flag) => (*flag).into(),
            Value::Array(items) => items.iter().map(Self::json).collect(),
            Value::Table(members) => {
                members.iter().map(|(name, member)| (name.clone(), member.json())).collect()
            }
            Value::Other(_) => serde_json::Value::Null,
        }
    }

    /// The strings of an array of strings, or of one string; `None` for anything else.
    #[must_use]
    pub fn strings(&self) -> Option<Vec<&str>> {
        match &self.value {
            Value::Text(text) => Some(vec![text]),
            Value::Array(items) => items.iter().map(Self::text).collect(),
            _ => None,
        }
    }
}

/// Something wrong in the configuration: what, where, and how to mend it.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// Where.
    pub origin: Origin,
    /// What to do.
    pub hint: Option<String>,
    /// What an excerpt may show.
    pub excerpt: Excerpt,
}

/// What the excerpt of a problem may show of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excerpt {
    /// Nothing: the position alone, for beside a syntax error may be a secret.
    Nothing,
    /// The key, up to its `=`.
    Key,
    /// The value as well: the key is known and no secret.
    Value,
}

impl Problem {
    /// A problem at a place; the excerpt hides the value.
    #[must_use]
    pub fn new(message: impl Into<String>, origin: &Origin) -> Self {
        Self { message: message.into(), origin: origin.clone(), hint: None, excerpt: Excerpt::Key }
    }

    /// The problem with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The problem with an excerpt that shows the value.
    #[must_use]
    pub fn showing_value(self) -> Self {
        Self { excerpt: Excerpt::Value, ..self }
    }

    /// The problem with an excerpt that shows the key alone.
    #[must_use]
    pub fn hiding_value(self) -> Self {
        Self { excerpt: Excerpt::Key, ..self }
    }

    /// The problem with its position alone.
    #[must_use]
    pub fn without_excerpt(self) -> Self {
        Self { excerpt: Excerpt::Nothing, ..self }
    }
}
