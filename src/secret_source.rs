//! Resolves where a configured secret comes from: the text itself, a variable, a file, a program or the token store.

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

/// Programs that print a secret get this long.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Why a secret could not be resolved. It never holds what was found.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set, or empty.
    #[error("the environment variable {} is not set", escaped(.0))]
    NoVariable(String),
    /// The file cannot be read.
    #[error("the secret file {} cannot be read: {reason}", escaped(.path))]
    File {
        path: String,
        /// Why.
        reason: String,
    },
    /// The program gave nothing.
    #[error("the program that prints the secret failed")]
    Program(#[from] ProcessError),
    /// Nothing is stored.
    #[error("no `{key}` is stored for `{provider}`")]
    NotStored { provider: ProviderName, key: String },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is nothing in it.
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
            Self::NotStored { provider, key } => {
                Some(format!("store it with `authctl secret set {provider} {key}`"))
            }
            Self::NoVariable(_) => Some("set it, or name another source in the configuration".to_owned()),
            Self::Store(error) => error.hint(),
            _ => None,
        }
    }
}

/// What resolving a secret needs.
#[derive(Clone, Copy)]
pub struct Resolver<'a> {
    /// The outside.
    pub system: &'a System,
    pub store: &'a TokenStore<'a>,
    /// The provider whose secret it is.
    pub provider: &'a ProviderName,
    /// What its stored secrets are bound to.
    pub binding: &'a Binding,
}

impl Resolver<'_> {
    /// The secret, without the line feed that files and programs end it with.
    pub fn resolve(&self, source: &SecretSource) -> Result<SecretText, SecretError> {
        let SecretSource::Stored(key) = source else { return outside(self.system, source) };
        let missing = || SecretError::NotStored { provider: self.provider.clone(), key: key.clone() };
        trimmed(&self.store.secret(self.provider, key, self.binding)?.ok_or_else(missing)?)
    }
}

/// A secret that is not in the token store.
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

/// Reads a secret file; links are followed, for Kubernetes projects tokens through them.
fn read(system: &System, path: &Path) -> Result<SecretText, SecretError> {
    let path = system.paths.expand(path);
    read_text(&path, secret::LONGEST as u64)
        .map(SecretText::new)
        .map_err(|error| SecretError::File { path: path.display().to_string(), reason: error.to_string() })
}
