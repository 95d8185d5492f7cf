//! Where a secret comes from.

use std::path::PathBuf;

use crate::binding::Binding;
use crate::secret::SecretText;

/// Where a secret comes from. `secret_source` resolves it only when it is needed.
#[derive(Debug, Clone)]
pub enum SecretSource {
    Literal(SecretText),
    Environment(String),
    /// A file's contents; a relative path starts at the config file's folder.
    File(PathBuf),
    Command(Vec<String>),
    /// A secret that `authctl secret set` stored under this key.
    Stored(String),
}

impl SecretSource {
    /// Whether the value is `""`, which means no secret.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Literal(secret) if secret.expose().is_empty())
    }

    /// Identifies a source without containing the secret.
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
    Plain(serde_json::Value),
    /// A secret: its key began with `_`.
    Secret(SecretSource),
}
