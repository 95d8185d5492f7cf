//! Secrets in the kernel's memory.

use std::time::Duration;

use zeroize::Zeroizing;

/// Stores this user's secrets in the kernel's memory until they expire or the machine restarts.
pub trait KernelKeyring: Send + Sync {
    fn read(&self, name: &str) -> Option<Zeroizing<Vec<u8>>>;
    /// Stores a secret, replacing an earlier one of the same name.
    fn keep(&self, name: &str, secret: &[u8], life: Duration) -> Result<(), NoKernelKeyring>;
    fn forget(&self, name: &str);
    /// Forgets all secrets whose names start with `prefix`.
    fn forget_all(&self, prefix: &str);
}

/// Why the kernel stores no secrets.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct NoKernelKeyring(pub String);
