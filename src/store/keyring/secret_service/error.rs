//! Why the message bus or the service on it gave no answer.

use std::io;

use keyring_core::Error;
use rustix::io::Errno;

use crate::store::keyring::fault::KeyringFault;
use crate::store::keyring::secret_service::wire::Malformed;
use crate::text::untrusted::escaped;

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BusError {
    /// There is no bus at the address.
    #[error("the session has no message bus: {0}")]
    NoBus(String),
    /// The bus at the address is not one that authctl may use.
    #[error(transparent)]
    Untrusted(#[from] UntrustedBus),
    /// The bus knows nobody by that name and cannot start it.
    #[error("no keyring service runs on the session's message bus")]
    NoService,
    /// No answer in time.
    #[error("the keyring service does not answer")]
    TimedOut,
    /// The connection broke.
    #[error("the connection to the keyring service broke: {0}")]
    Broken(String),
    /// The answer is no D-Bus.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The service answered with an error.
    #[error("the keyring service answered {}", escaped(.name))]
    Refused {
        /// The error's D-Bus name.
        name: String,
    },
}

impl From<io::Error> for BusError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Broken(error.to_string()),
        }
    }
}

/// Why authctl refuses a message bus.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UntrustedBus {
    /// Its process runs as a user other than this one and root.
    #[error("the message bus at {address} belongs to the user {user}")]
    OtherUser {
        /// The address, escaped.
        address: String,
        /// The user's name, if it has one, and number.
        user: String,
    },
    /// The system does not say which user runs it.
    #[error("cannot tell which user the message bus at {address} belongs to: {reason}")]
    UnknownUser {
        /// The address, escaped.
        address: String,
        /// The system's answer.
        reason: Errno,
    },
    /// It is not the bus that the address was written for.
    #[error("the message bus at {address} does not have the GUID that the address names")]
    OtherGuid {
        /// The address, escaped.
        address: String,
    },
    /// It did not accept this user's authentication.
    #[error("the message bus at {address} does not accept this user")]
    Rejected {
        /// The address, escaped.
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
