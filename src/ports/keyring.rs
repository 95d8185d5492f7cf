//! The operating system's keyring.

use std::sync::Arc;

pub trait Keyring: Send + Sync {
    /// The keyring, if this session has one; a locked or failing keyring is not [`NoKeyring`]. This only locates the
    /// keyring, without using it.
    fn open(&self) -> Result<Arc<keyring_core::CredentialStore>, NoKeyring>;
}

/// Why this session has no keyring.
#[derive(Debug, Clone, thiserror::Error)]
#[error("no keyring is available: {0}")]
pub struct NoKeyring(pub String);
