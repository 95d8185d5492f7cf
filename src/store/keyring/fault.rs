//! Failures of a keyring.

/// What a keyring reports inside a `keyring_core::Error`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringFault {
    /// There is no keyring in this session.
    #[error("{0}")]
    Absent(String),
    /// The process at the message bus's address must not receive a secret.
    #[error("{0}")]
    UntrustedBus(String),
    /// It is locked, and nobody was asked or the user said no.
    #[error("the keyring is locked")]
    Locked,
    /// It does not answer.
    #[error("the keyring does not answer")]
    TimedOut,
    /// Something else.
    #[error("{0}")]
    Failed(String),
}

/// What to do where no keyring can be used.
pub(crate) const START_ONE: &str =
    "start the session's keyring; or set store = \"file\" in the configuration and log in again";

impl KeyringFault {
    /// What the user can do.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Locked => "unlock the keyring: run `authctl store unlock`",
            Self::TimedOut => "is the keyring waiting for its password on another screen?",
            Self::UntrustedBus(_) => {
                "set DBUS_SESSION_BUS_ADDRESS to the address of your own session's message bus, or unset it"
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
