//! Why the message bus or the keyring service did not answer.

use std::io;

use keyring_core::Error;
use rustix::io::Errno;

use crate::store::keyring::fault::KeyringFault;
use crate::store::keyring::secret_service::wire::Malformed;
use crate::text::untrusted::escaped;

#[derive(Debug, thiserror::Error)]
pub(crate) enum BusError {
    #[error("the session has no message bus: {0}")]
    NoBus(String),
    #[error(transparent)]
    Untrusted(#[from] UntrustedBus),
    /// No service owns the name, and the bus cannot start one.
    #[error("no keyring service runs on the session's message bus")]
    NoService,
    #[error("the keyring service does not answer")]
    TimedOut,
    #[error("the connection to the keyring service broke: {0}")]
    Broken(String),
    /// The answer is not valid D-Bus.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("the keyring service answered {}", escaped(.name))]
    Refused { name: String },
}

impl From<io::Error> for BusError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Broken(error.to_string()),
        }
    }
}

/// Why authctl refuses to use a message bus.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UntrustedBus {
    /// Its process runs as a user other than this one and root.
    #[error("the message bus at {address} belongs to the user {user}")]
    OtherUser {
        /// Escaped.
        address: String,
        /// The user's ID, and name if it has one.
        user: String,
    },
    /// The system does not say which user runs it.
    #[error("cannot tell which user the message bus at {address} belongs to: {reason}")]
    UnknownUser {
        /// Escaped.
        address: String,
        reason: Errno,
    },
    /// It is not the bus that the address was written for.
    #[error("the message bus at {address} does not have the GUID that the address names")]
    OtherGuid {
        /// Escaped.
        address: String,
    },
    #[error("the message bus at {address} does not accept this user")]
    Rejected {
        /// Escaped.
        address: String,
    },
}

impl From<BusError> for Error {
    fn from(error: BusError) -> Self {
        match error {
            BusError::NoBus(_) | BusError::NoService => KeyringFault::Absent(error.to_string()).into(),
            BusError::Untrusted(refusal) => KeyringFault::UntrustedBus(refusal.to_string()).into(),
            BusError::TimedOut => KeyringFault::TimedOut.into(),
            BusError::Refused { name } if name.ends_with(".IsLocked") => KeyringFault::Locked.into(),
            error => KeyringFault::Failed(error.to_string()).into(),
        }
    }
}

impl From<Malformed> for Error {
    fn from(error: Malformed) -> Self {
        BusError::from(error).into()
    }
}
