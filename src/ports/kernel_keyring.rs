//! Keeps secrets in the kernel's memory.

use std::time::Duration;

use zeroize::Zeroizing;

/// Keeps secrets in the kernel's memory, for this user, until their time is over or the machine restarts.
pub trait KernelKeyring: Send + Sync {
    /// What is kept under a name, if it is still there.
    fn read(&self, name: &str) -> Option<Zeroizing<Vec<u8>>>;
    /// Keeps a secret for a while, in the place of an earlier one.
    fn keep(&self, name: &str, secret: &[u8], life: Duration) -> Result<(), NoKernelKeyring>;
    /// Forgets what is kept under a name.
    fn forget(&self, name: &str);
    /// Forgets all that is kept under names that begin so.
    fn forget_all(&self, prefix: &str);
}

/// The kernel keeps no secrets for us; why.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct NoKernelKeyring(pub String);
