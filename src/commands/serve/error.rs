//! Errors that prevent the server from starting.

use crate::advice::{Advise, Status};
use crate::error::CommandError;
use crate::name::ProviderName;
use crate::os::private_file::FileError;
use crate::ports::NoFolder;

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("`{0}` has no host")]
    NoHost(ProviderName),
    /// Any user on the machine can connect to a loopback address.
    #[error(
        "Google's libraries cannot send a capability, and only Linux identifies the user of a loopback connection"
    )]
    NoIdentity,
    #[error("this system has no sockets; add --listen 127.0.0.1:0")]
    NoSockets,
    #[error("{reason}")]
    NoFolder { reason: NoFolder, option: &'static str },
    #[error("cannot store the capability: {0}")]
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
            Self::NoIdentity => "use a socket, and a tool that forwards your program's connections to it",
            Self::NoFolder { option, .. } => return Some(format!("choose a path with {option}")),
            Self::Capability(_) => {
                "choose a file in a folder that only you can access with --capability-file"
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
            (&folder, Status::Failed, "path with --socket"),
            (&StartError::Capability(file), Status::Failed, "--capability-file"),
        ]);
    }
}
