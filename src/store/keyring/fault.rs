//! Keyring failures.

/// A keyring's failure inside a `keyring_core::Error`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringFault {
    #[error("{0}")]
    Absent(String),
    /// The process at the message bus's address must not receive a secret.
    #[error("{0}")]
    UntrustedBus(String),
    /// It is locked, and authctl could not ask the user or the user declined.
    #[error("the keyring is locked")]
    Locked,
    #[error("the keyring does not answer")]
    TimedOut,
    #[error("{0}")]
    Failed(String),
}

/// What to do if no keyring is available.
pub(crate) const START_ONE: &str =
    "start the session's keyring; or set store = \"file\" in the configuration and log in again";

impl KeyringFault {
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Locked => "unlock the keyring: run `authctl store unlock`",
            Self::TimedOut => "check whether the keyring is waiting for its password on another screen",
            Self::UntrustedBus(_) => {
                "set DBUS_SESSION_BUS_ADDRESS to your own session's message bus, or unset it"
            }
            Self::Absent(_) | Self::Failed(_) => START_ONE,
        }
    }
}

impl From<KeyringFault> for keyring_core::Error {
    fn from(fault: KeyringFault) -> Self {
        Self::NoStorageAccess(Box::new(fault))
    }
}
