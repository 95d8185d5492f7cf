//! Why the program is not run.

use std::io;
use std::path::PathBuf;

use crate::advice::{Advise, Status};
use crate::error::CommandError;
use crate::os::private_file::FileError;
use crate::ports::NoFolder;

/// Why the program is not run.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    #[error("the variable {0} is set twice")]
    SetTwice(String),
    #[error("--account, --scope and the like are for the one provider that is named before `--`")]
    NarrowsNothing,
    #[error("cannot keep a token in {}: {reason}", path.display())]
    NotKept { path: PathBuf, reason: io::Error },
    /// Each new folder was gone before it could be locked.
    #[error("{} is emptied by somebody", .0.display())]
    Emptied(PathBuf),
    #[error("the folder {} has a name that no variable can hold", .0.display())]
    UnspeakableFolder(PathBuf),
    #[error("there is no folder for files with tokens: {0}")]
    NoFolder(#[from] NoFolder),
    #[error("there is no folder for files with tokens: {0}")]
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
            Self::NarrowsNothing => "name it there: its token is in the environment as well",
            Self::NotKept { .. } => "hand it over in a variable, with --env",
            Self::Emptied(_) => "try again",
            Self::UnspeakableFolder(_) => "set XDG_RUNTIME_DIR to another",
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
            (&ExecError::NarrowsNothing, Usage, "name it there"),
            (&full, Failed, "--env"),
            (&ExecError::Emptied(path()), Failed, "try again"),
            (&ExecError::UnspeakableFolder(path()), Failed, "XDG_RUNTIME_DIR"),
            (&ExecError::NoFolder(NoFolder("state")), Failed, "set HOME"),
            (&ExecError::UnusableFolder(file), Failed, "set HOME"),
        ]);
    }
}
