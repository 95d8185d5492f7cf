//! Why nobody is served.

use crate::advice::{Advise, Status};
use crate::error::CommandError;
use crate::name::ProviderName;
use crate::os::private_file::FileError;
use crate::ports::NoFolder;

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("`{0}` has no host")]
    NoHost(ProviderName),
    /// Everybody on the machine can connect to a loopback address.
    #[error("Google's libraries show no capability, and only Linux says whose a connection is")]
    NoIdentity,
    #[error("name a loopback address: --listen 127.0.0.1:0")]
    NoSockets,
    #[error("{reason}")]
    NoFolder { reason: NoFolder, option: &'static str },
    #[error("the capability cannot be kept: {0}")]
    Capability(FileError),
}

impl Advise for StartError {
    fn status(&self) -> Status {
        match self {
            Self::NoHost(_) | Self::NoSockets => Status::Usage,
            Self::NoIdentity | Self::NoFolder { .. } | Self::Capability(_) => Status::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoIdentity => "use a socket, and what connects it with your program",
            Self::NoFolder { option, .. } => return Some(format!("name one with {option}")),
            Self::Capability(_) => {
                "name another file with --capability-file, in a folder that is yours alone"
            }
            Self::NoHost(_) | Self::NoSockets => return None,
        };
        Some(hint.to_owned())
    }
}

impl CommandError for StartError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::check;

    #[test]
    fn each_error_has_its_status_and_hint() {
        let file = FileError::NotPrivate { path: "x".to_owned(), problem: "x".to_owned() };
        let folder = StartError::NoFolder { reason: NoFolder("sockets"), option: "--socket" };
        check(&[
            (&StartError::NoHost("github".parse().unwrap()), Status::Usage, ""),
            (&StartError::NoIdentity, Status::Failed, "use a socket"),
            (&StartError::NoSockets, Status::Usage, ""),
            (&folder, Status::Failed, "name one with --socket"),
            (&StartError::Capability(file), Status::Failed, "--capability-file"),
        ]);
    }
}
