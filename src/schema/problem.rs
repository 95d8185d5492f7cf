//! Something wrong in the configuration: what, where, and how to fix it.

use super::origin::Origin;

/// Something wrong in the configuration.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    pub origin: Origin,
    pub hint: Option<String>,
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

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn showing_value(self) -> Self {
        Self { excerpt: Excerpt::Value, ..self }
    }

    #[must_use]
    pub fn hiding_value(self) -> Self {
        Self { excerpt: Excerpt::Key, ..self }
    }

    #[must_use]
    pub fn without_excerpt(self) -> Self {
        Self { excerpt: Excerpt::Nothing, ..self }
    }
}
