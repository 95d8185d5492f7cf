//! Resolves configured secrets: literal text, an environment variable, a file, a command or the token store.

use std::path::Path;
use std::time::Duration;

use crate::advice::{Advise, Status};
use crate::binding::Binding;
use crate::name::ProviderName;
use crate::os::text_file::read_text;
use crate::ports::{ProcessError, Program, System};
use crate::schema::SecretSource;
use crate::secret::{self, SecretText};
use crate::store::{StoreError, TokenStore};
use crate::text::untrusted::escaped;

/// How long a command may take to print a secret.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Why a secret could not be resolved. The error never contains the value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set or is empty.
    #[error("the environment variable {} is not set", escaped(.0))]
    NoVariable(String),
    #[error("cannot read the secret file {}: {reason}", escaped(.path))]
    File { path: String, reason: String },
    #[error("the command that prints the secret failed")]
    Program(#[from] ProcessError),
    #[error("no `{key}` is stored for `{provider}`")]
    NotStored { provider: ProviderName, key: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the secret is empty")]
    Empty,
}

impl Advise for SecretError {
    fn status(&self) -> Status {
        match self {
            Self::Store(error) => error.status(),
            _ => Status::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotStored { provider, key } => Some(format!("run `authctl secret set {provider} {key}`")),
            Self::NoVariable(_) => {
                Some("set the variable, or configure another source for the secret".to_owned())
            }
            Self::File { .. } => Some(
                "check the path and its permissions, or configure another source for the secret".to_owned(),
            ),
            Self::Store(error) => error.hint(),
            _ => None,
        }
    }
}

#[derive(Clone, Copy)]
pub struct Resolver<'a> {
    pub system: &'a System,
    pub store: &'a TokenStore<'a>,
    pub provider: &'a ProviderName,
    /// The binding of its stored secrets.
    pub binding: &'a Binding,
}

impl Resolver<'_> {
    /// The secret, without the trailing line feed of files and command output.
    pub fn resolve(&self, source: &SecretSource) -> Result<SecretText, SecretError> {
        let SecretSource::Stored(key) = source else { return outside(self.system, source) };
        let missing = || SecretError::NotStored { provider: self.provider.clone(), key: key.clone() };
        trimmed(&self.store.secret(self.provider, key, self.binding)?.ok_or_else(missing)?)
    }
}

/// Resolves a secret that is not in the token store.
pub fn outside(system: &System, source: &SecretSource) -> Result<SecretText, SecretError> {
    let secret = match source {
        SecretSource::Literal(secret) => secret.clone(),
        SecretSource::Environment(name) => {
            let value = system.environment.variable(name).filter(|value| !value.is_empty());
            SecretText::new(value.ok_or_else(|| SecretError::NoVariable(name.clone()))?)
        }
        SecretSource::File(path) => read(system, path)?,
        SecretSource::Command(command) => {
            let withheld = std::collections::BTreeSet::new();
            let program = Program { command, timeout: TIMEOUT, withheld: &withheld, input: None };
            system.processes.output(&program)?
        }
        SecretSource::Stored(_) => return Err(SecretError::Empty),
    };
    trimmed(&secret)
}

fn trimmed(secret: &SecretText) -> Result<SecretText, SecretError> {
    let trimmed = secret.expose().trim_end_matches(['\r', '\n']);
    if trimmed.is_empty() { Err(SecretError::Empty) } else { Ok(SecretText::new(trimmed)) }
}

/// Reads a secret file. Links are followed, because Kubernetes uses them for projected tokens.
fn read(system: &System, path: &Path) -> Result<SecretText, SecretError> {
    let path = system.paths.expand(path);
    read_text(&path, secret::LONGEST as u64)
        .map(SecretText::new)
        .map_err(|error| SecretError::File { path: path.display().to_string(), reason: error.to_string() })
}
