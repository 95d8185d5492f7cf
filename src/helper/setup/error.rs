//! Why another program's configuration is not changed.

use std::io;
use std::path::{Path, PathBuf};

use crate::advice::{Advise, Status};
use crate::error::CommandError;
use crate::ports::ProcessError;
use crate::text::untrusted::{Untrusted, escaped};

/// Why another program's configuration is not changed, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("this program's own path is not known")]
    NoProgramPath,
    #[error("your home folder is not known")]
    NoHome,
    #[error(
        "the other program runs authctl without options: leave --config and --profile out, and set AUTHCTL_CONFIG and AUTHCTL_PROFILE where it runs"
    )]
    TakesNoOptions,
    #[error("{file} is no {syntax}")]
    Syntax { file: &'static str, syntax: &'static str },
    #[error("{program} asks {other} about {subject} already")]
    OtherHelper { program: &'static str, other: Untrusted, subject: Untrusted, entry: &'static str },
    #[error("Terraform's configuration names another credentials helper, and takes no more than one")]
    OneHelper,
    #[error("the lines `{begin}` and `{end}` do not belong together any more")]
    BrokenBlock { begin: String, end: String },
    #[error("{value} cannot be written in the other program's syntax: {reason}")]
    Unquotable { value: Untrusted, reason: &'static str },
    #[error("{} cannot be {action}: {reason}", shown(path))]
    Untouched { path: PathBuf, action: &'static str, reason: io::Error },
    #[error(transparent)]
    NoGit(ProcessError),
    #[error("{} is there already, and is not ours", shown(.0))]
    NotOurs(PathBuf),
    /// An earlier step may have been done.
    #[error("{} cannot be {action}: {reason}", shown(path))]
    Step { path: PathBuf, action: &'static str, reason: io::Error },
    /// An earlier step may have been done.
    #[error(transparent)]
    Command(ProcessError),
    #[error("{} was changed, but cannot be given back to its owner: {reason}", shown(path))]
    NotGivenBack { path: PathBuf, reason: io::Error },
}

fn shown(path: &Path) -> String {
    escaped(&path.display().to_string())
}

impl SetupError {
    /// A step that was not done.
    pub(super) fn step(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |reason| Self::Step { path, action, reason }
    }
}

impl Advise for SetupError {
    fn status(&self) -> Status {
        match self {
            Self::TakesNoOptions => Status::Usage,
            _ => Status::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoProgramPath => "install it on PATH",
            Self::NoHome => "set HOME",
            Self::TakesNoOptions => return None,
            Self::Syntax { .. } => "fix it first; nothing was changed",
            Self::OtherHelper { entry, .. } => {
                return Some(format!("take {entry}, if authctl is to answer; nothing was changed"));
            }
            Self::OneHelper => "remove its block first; nothing was changed",
            Self::BrokenBlock { .. } => "remove what is between them, and both; nothing was changed",
            Self::Unquotable { .. } => {
                "rename the account with `authctl account rename`, or choose another value; nothing was changed"
            }
            Self::Untouched { .. } => "nothing was changed",
            Self::NoGit(_) => "is git installed?",
            Self::NotOurs(_) => "remove or rename it first",
            Self::Step { .. } | Self::Command(_) => "what is not marked as done was not changed",
            Self::NotGivenBack { .. } => "run `chown` on it",
        };
        Some(hint.to_owned())
    }
}

impl CommandError for SetupError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::check;

    #[test]
    fn each_error_has_its_status_and_hint() {
        use SetupError as E;
        use Status::{Failed, Usage};
        let path = || PathBuf::from("x");
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        let process = || ProcessError::NotStarted { program: "git".to_owned(), reason: "x".to_owned() };
        let text = || Untrusted::new("x");
        let other =
            E::OtherHelper { program: "docker", other: text(), subject: text(), entry: "it out of the file" };
        let block = E::BrokenBlock { begin: "x".to_owned(), end: "x".to_owned() };
        check(&[
            (&E::NoProgramPath, Failed, "on PATH"),
            (&E::NoHome, Failed, "set HOME"),
            (&E::TakesNoOptions, Usage, ""),
            (&E::Syntax { file: "x", syntax: "x" }, Failed, "nothing was changed"),
            (&other, Failed, "take it out of the file, if"),
            (&E::OneHelper, Failed, "nothing was changed"),
            (&block, Failed, "nothing was changed"),
            (&E::Unquotable { value: text(), reason: "x" }, Failed, "authctl account rename"),
            (&E::Untouched { path: path(), action: "read", reason: denied() }, Failed, "nothing was changed"),
            (&E::NoGit(process()), Failed, "git"),
            (&E::NotOurs(path()), Failed, "remove or rename"),
            (&E::step(&path(), "made")(denied()), Failed, "not marked as done"),
            (&E::Command(process()), Failed, "not marked as done"),
            (&E::NotGivenBack { path: path(), reason: denied() }, Failed, "chown"),
        ]);
    }
}
