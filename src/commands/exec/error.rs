//! Errors that prevent the program from running.

use std::io;
use std::path::PathBuf;

use crate::advice::{Advise, Status};
use crate::error::CommandError;
use crate::os::private_file::FileError;
use crate::ports::NoFolder;

#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    #[error("the variable {0} is assigned twice")]
    SetTwice(String),
    #[error("--account, --scope and similar options need a provider before `--`")]
    NarrowsNothing,
    #[error("cannot write a token to {}: {reason}", path.display())]
    NotKept { path: PathBuf, reason: io::Error },
    /// Each new folder disappeared before it could be locked.
    #[error("another program keeps deleting folders in {}", .0.display())]
    Emptied(PathBuf),
    #[error("the path {} is not valid Unicode, so it cannot be put into a variable", .0.display())]
    UnspeakableFolder(PathBuf),
    #[error("no folder is available for token files: {0}")]
    NoFolder(#[from] NoFolder),
    #[error("no folder is available for token files: {0}")]
    UnusableFolder(#[from] FileError),
}

impl Advise for ExecError {
    fn status(&self) -> Status {
        match self {
            Self::SetTwice(_) | Self::NarrowsNothing => Status::Usage,
            _ => Status::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::SetTwice(_) => return None,
            Self::NarrowsNothing => {
                "add the provider before `--`; its token is then set in the environment as well"
            }
            Self::NotKept { .. } => "pass the token in a variable with --env",
            Self::Emptied(_) => "try again",
            Self::UnspeakableFolder(_) => "set XDG_RUNTIME_DIR to another folder",
            Self::NoFolder(_) | Self::UnusableFolder(_) => "set HOME",
        };
        Some(hint.to_owned())
    }
}

impl CommandError for ExecError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::check;

    #[test]
    fn each_error_has_its_status_and_hint() {
        use Status::{Failed, Usage};
        let path = || PathBuf::from("x");
        let file = FileError::NotPrivate { path: "x".to_owned(), problem: "x".to_owned() };
        let full = ExecError::NotKept { path: path(), reason: io::ErrorKind::StorageFull.into() };
        check(&[
            (&ExecError::SetTwice("X".to_owned()), Usage, ""),
            (&ExecError::NarrowsNothing, Usage, "before `--`"),
            (&full, Failed, "--env"),
            (&ExecError::Emptied(path()), Failed, "try again"),
            (&ExecError::UnspeakableFolder(path()), Failed, "XDG_RUNTIME_DIR"),
            (&ExecError::NoFolder(NoFolder("state")), Failed, "set HOME"),
            (&ExecError::UnusableFolder(file), Failed, "set HOME"),
        ]);
    }
}
