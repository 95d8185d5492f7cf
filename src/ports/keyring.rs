//! Opens the operating system's keyring.

use std::sync::Arc;

/// Opens the operating system's keyring.
pub trait Keyring: Send + Sync {
    /// The keyring, if this session has one. It touches the keyring no further than finding it.
    ///
    /// # Errors
    /// [`NoKeyring`] when there is none, which is another thing than a locked or failing one.
    fn open(&self) -> Result<Arc<keyring_core::CredentialStore>, NoKeyring>;
}

/// This session has no keyring; why.
#[derive(Debug, Clone, thiserror::Error)]
#[error("there is no keyring: {0}")]
pub struct NoKeyring(pub String);
