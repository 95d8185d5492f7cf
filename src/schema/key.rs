//! The keys of a table, and the shapes of their values.

use super::suggestion::quoted;

/// One key of a table, from which the grammar, the masking, the JSON schema and the reference follow.
#[derive(Debug)]
pub struct Key {
    /// The key without a `_` prefix.
    pub name: &'static str,
    pub shape: Shape,
    /// The description in the reference, without a full stop.
    pub about: &'static str,
    /// The default value, in TOML.
    pub default: Option<&'static str>,
    pub required: bool,
    /// Whether the environment may set it for a provider that a file defines.
    pub from_environment: bool,
    /// Whether its value cannot send a secret to another place.
    harmless: bool,
    /// Whether only the site and user layers may set it, because it runs a program or changes which certificates TLS trusts.
    pub trusted: bool,
}

impl Key {
    /// Returns an optional key.
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

    /// Sets the default value.
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

    /// Lets the environment set the key for a provider that a file defines.
    #[must_use]
    pub const fn from_environment(mut self) -> Self {
        self.from_environment = true;
        self
    }

    /// Declares that the key's value cannot send a secret to another place.
    #[must_use]
    pub const fn harmless(mut self) -> Self {
        self.harmless = true;
        self
    }

    /// Whether its value cannot send a secret to another place. This holds for every key that the environment may set.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        self.harmless || self.from_environment
    }

    /// Restricts the key to the site and user layers.
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
    /// One of a list of strings.
    Choice(&'static [&'static str]),
    /// A literal, or a reference: `{ env = … }`, `{ file = … }`, `{ command = […] }`, `{ stored = true }`.
    Secret,
    Boolean,
    Strings,
    /// An array of strings, one space-separated string, or a table of capability → scopes.
    Scopes,
    /// A duration: `"90s"`, `"5m"`, `"1h"`, or seconds.
    Duration,
    /// A program and its arguments, run without a shell.
    Command,
    /// A table of strings; a key that begins with `_` holds a secret.
    Free,
    Secrets,
    /// `"file"`, `"passphrase"` or `{ command = […] }`.
    KeySource,
    /// A subject token: `{ provider = … }`, `{ env = … }`, `{ file = … }`, `{ command = […] }`, `{ stdin = true }`.
    Input,
    /// A table of booleans for the names in a list.
    Flags(&'static [&'static str]),
    Table(&'static [&'static Key]),
}

impl Shape {
    /// Describes a valid value, for messages and the reference.
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
                "an array of strings, a space-separated string, or a table of capabilities"
                    .to_owned()
            }
            Self::Duration => "a duration such as \"90s\" or \"5m\"".to_owned(),
            Self::Command => "an array of strings: a program and its arguments".to_owned(),
            Self::Free => "a table of strings".to_owned(),
            Self::Secrets => "a table of secrets".to_owned(),
            Self::KeySource => "\"file\", \"passphrase\" or { command = […] }".to_owned(),
            Self::Input => {
                "one of { provider = \"NAME\", token = … }, { env = … }, { file = … }, { command = […] }, { stdin = true }".to_owned()
            }
            Self::Flags(names) => format!("a table of booleans for {}", quoted(names)),
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
