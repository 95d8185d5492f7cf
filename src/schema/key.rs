//! The keys of a table, and what their values look like.

use super::suggestion::quoted;

/// One key of a table: the grammar, the mask, the schema and the help all read this.
#[derive(Debug)]
pub struct Key {
    /// The key as it is written, without a `_` prefix.
    pub name: &'static str,
    pub shape: Shape,
    /// What it means, in one sentence without a full stop.
    pub about: &'static str,
    /// What holds when it is not written, as it would be written.
    pub default: Option<&'static str>,
    /// Whether a table without it is wrong.
    pub required: bool,
    /// Whether the environment may set it for a provider that a file defines.
    pub from_environment: bool,
    /// Whether its value cannot send a secret to another place.
    harmless: bool,
    /// Whether only the site and user layers may set it, because it runs a program or changes whom TLS trusts.
    pub trusted: bool,
}

impl Key {
    /// A key that may be left out.
    #[must_use]
    pub const fn new(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self {
            name,
            shape,
            about,
            default: None,
            required: false,
            from_environment: false,
            harmless: false,
            trusted: false,
        }
    }

    /// The key with what holds when it is not written.
    #[must_use]
    pub const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

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

    /// The key, whose value cannot send a secret to another place.
    #[must_use]
    pub const fn harmless(mut self) -> Self {
        self.harmless = true;
        self
    }

    /// Whether its value cannot send a secret to another place, as those that the environment may set cannot.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        self.harmless || self.from_environment
    }

    /// The key, for the site and user layers alone.
    #[must_use]
    pub const fn trusted(mut self) -> Self {
        self.trusted = true;
        self
    }

    #[must_use]
    pub fn is_secret(&self) -> bool {
        matches!(self.shape, Shape::Secret)
    }
}

#[derive(Debug, Clone, Copy)]
pub enum Shape {
    Text,
    /// A string out of a list.
    Choice(&'static [&'static str]),
    /// A literal, or a reference: `{ env = … }`, `{ file = … }`, `{ command = […] }`, `{ stored = true }`.
    Secret,
    Boolean,
    Strings,
    /// An array of strings, one string with blanks between them, or a table of capability → scopes.
    Scopes,
    /// A length of time: `"90s"`, `"5m"`, `"1h"`, or seconds.
    Duration,
    /// A program and its arguments; no shell.
    Command,
    /// A table of strings; a key that begins with `_` holds a secret.
    Free,
    Secrets,
    /// `"file"`, `"passphrase"` or `{ command = […] }`.
    KeySource,
    /// A token of elsewhere: `{ provider = … }`, `{ env = … }`, `{ file = … }`, `{ command = […] }`, `{ stdin = true }`.
    Input,
    /// A table of `true` and `false` for the names of a list.
    Flags(&'static [&'static str]),
    Table(&'static [&'static Key]),
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
            Self::Scopes => {
                "an array of strings, a string with blanks between them, or a table of capabilities"
                    .to_owned()
            }
            Self::Duration => "a length of time like \"90s\" or \"5m\"".to_owned(),
            Self::Command => "an array of strings: a program and its arguments".to_owned(),
            Self::Free => "a table of strings".to_owned(),
            Self::Secrets => "a table of secrets".to_owned(),
            Self::KeySource => "\"file\", \"passphrase\" or { command = […] }".to_owned(),
            Self::Input => {
                "one of { provider = \"NAME\", token = … }, { env = … }, { file = … }, { command = […] }, { stdin = true }".to_owned()
            }
            Self::Flags(names) => format!("a table of true and false for {}", quoted(names)),
            Self::Table(keys) => {
                let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
                format!("a table of {}", quoted(&names))
            }
        }
    }

    /// Whether a table given for the key is merged member by member with an earlier layer's.
    #[must_use]
    pub fn merges(self) -> bool {
        matches!(self, Self::Free | Self::Secrets | Self::Flags(_) | Self::Table(_))
    }
}
