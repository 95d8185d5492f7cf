//! Where a secret comes from.

use std::path::PathBuf;

use crate::binding::Binding;
use crate::secret::SecretText;

/// Where a secret comes from. It is resolved only when it is needed, by `secret_source`.
#[derive(Debug, Clone)]
pub enum SecretSource {
    Literal(SecretText),
    Environment(String),
    /// It is what a file holds; a relative path counts from the configuration file.
    File(PathBuf),
    Command(Vec<String>),
    /// It is kept in the token store under this key, by `authctl secret set`.
    Stored(String),
}

impl SecretSource {
    /// Whether `""` is written, which stands for no secret.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Literal(secret) if secret.expose().is_empty())
    }

    /// Tells two sources apart without holding a secret: a literal by its fingerprint, a reference by what it names.
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
