//! Something wrong in the configuration: what, where, and how to fix it.

use super::origin::Origin;

/// Something wrong in the configuration.
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
