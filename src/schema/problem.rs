//! A problem in the configuration: what is wrong, where, and how to fix it.

use super::origin::Origin;

#[derive(Debug, Clone)]
pub struct Problem {
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    pub origin: Origin,
    pub hint: Option<String>,
    pub excerpt: Excerpt,
}

/// How much of the line a problem's excerpt may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excerpt {
    /// Only the position, because a secret may be next to a syntax error.
    Nothing,
    /// The key, up to its `=`.
    Key,
    /// The key and the value, because the key is known and is not secret.
    Value,
}

impl Problem {
    /// Returns a problem whose excerpt hides the value.
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
