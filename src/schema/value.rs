//! A configured value with its origin.

use std::collections::BTreeMap;
use std::fmt;

use super::origin::Origin;

/// A table of the configuration, by key.
pub type Table = BTreeMap<String, Setting>;

/// A configured value. Its `Debug` shows only the type, because the value may be a secret.
#[derive(Clone)]
pub enum Value {
    Text(String),
    Integer(i64),
    Boolean(bool),
    Array(Vec<Setting>),
    Table(Table),
    /// The name of a type that no key accepts, such as a float or a date.
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

    /// Whether it is `""` or `{}`, which both mean "no keys".
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

    /// Returns the strings of an array, or one string; `None` for anything else.
    #[must_use]
    pub fn strings(&self) -> Option<Vec<&str>> {
        match &self.value {
            Value::Text(text) => Some(vec![text]),
            Value::Array(items) => items.iter().map(Self::text).collect(),
            _ => None,
        }
    }
}
