//! A configured value with the place where it was written.

use std::collections::BTreeMap;
use std::fmt;

use super::origin::Origin;

/// A table of the configuration, by key.
pub type Table = BTreeMap<String, Setting>;

/// A value of the configuration. Its `Debug` shows the type alone: it may be a secret.
#[derive(Clone)]
pub enum Value {
    Text(String),
    Integer(i64),
    Boolean(bool),
    Array(Vec<Setting>),
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
    pub value: Value,
    pub origin: Origin,
}

impl Setting {
    #[must_use]
    pub fn new(value: Value, origin: Origin) -> Self {
        Self { value, origin }
    }

    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    #[must_use]
    pub fn table(&self) -> Option<&Table> {
        if let Value::Table(table) = &self.value { Some(table) } else { None }
    }

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
