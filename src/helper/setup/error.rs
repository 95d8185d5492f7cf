//! Why authctl does not change another program's configuration.

use std::io;
use std::path::{Path, PathBuf};

use crate::advice::{Advise, Status};
use crate::error::CommandError;
use crate::ports::ProcessError;
use crate::text::untrusted::{Untrusted, escaped};

#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("cannot find authctl's own path")]
    NoProgramPath,
    #[error("cannot find your home folder")]
    NoHome,
    #[error(
        "the other program runs authctl without options: omit --config and --profile, and set AUTHCTL_CONFIG and AUTHCTL_PROFILE in its environment"
    )]
    TakesNoOptions,
    #[error("{file} is not a valid {syntax}")]
    Syntax { file: &'static str, syntax: &'static str },
    #[error("{program} already uses {other} for {subject}")]
    OtherHelper { program: &'static str, other: Untrusted, subject: Untrusted, entry: &'static str },
    #[error(
        "Terraform's configuration already names another credentials helper, and Terraform supports only one"
    )]
    OneHelper,
    #[error("the marker lines `{begin}` and `{end}` no longer match")]
    BrokenBlock { begin: String, end: String },
    #[error("cannot write {value} in the other program's syntax: {reason}")]
    Unquotable { value: Untrusted, reason: &'static str },
    #[error("cannot {action} {}: {reason}", shown(path))]
    Untouched { path: PathBuf, action: &'static str, reason: io::Error },
    #[error(transparent)]
    NoGit(ProcessError),
    #[error("{} already exists and does not belong to authctl", shown(.0))]
    NotOurs(PathBuf),
    /// An earlier step may have been done.
    #[error("cannot {action} {}: {reason}", shown(path))]
    Step { path: PathBuf, action: &'static str, reason: io::Error },
    /// An earlier step may have been done.
    #[error(transparent)]
    Command(ProcessError),
    #[error("changed {}, but cannot restore its owner: {reason}", shown(path))]
    OwnerNotRestored { path: PathBuf, reason: io::Error },
}

fn shown(path: &Path) -> String {
    escaped(&path.display().to_string())
}

impl SetupError {
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
            Self::NoProgramPath => "install authctl on PATH",
            Self::NoHome => "set HOME",
            Self::TakesNoOptions => return None,
            Self::Syntax { .. } => "fix the file first; nothing was changed",
            Self::OtherHelper { entry, .. } => {
                return Some(format!("remove {entry} to use authctl instead; nothing was changed"));
            }
            Self::OneHelper => "remove its block first; nothing was changed",
            Self::BrokenBlock { .. } => "remove both markers and the lines between them; nothing was changed",
            Self::Unquotable { .. } => {
                "rename the account with `authctl account rename`, or choose another value; nothing was changed"
            }
            Self::Untouched { .. } => "nothing was changed",
            Self::NoGit(_) => "install git",
            Self::NotOurs(_) => "remove or rename it first",
            Self::Step { .. } | Self::Command(_) => "only the changes marked as done were made",
            Self::OwnerNotRestored { .. } => "restore the owner with `chown`",
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
            E::OtherHelper { program: "docker", other: text(), subject: text(), entry: "it from the file" };
        let block = E::BrokenBlock { begin: "x".to_owned(), end: "x".to_owned() };
        check(&[
            (&E::NoProgramPath, Failed, "on PATH"),
            (&E::NoHome, Failed, "set HOME"),
            (&E::TakesNoOptions, Usage, ""),
            (&E::Syntax { file: "x", syntax: "x" }, Failed, "nothing was changed"),
            (&other, Failed, "remove it from the file to"),
            (&E::OneHelper, Failed, "nothing was changed"),
            (&block, Failed, "nothing was changed"),
            (&E::Unquotable { value: text(), reason: "x" }, Failed, "authctl account rename"),
            (&E::Untouched { path: path(), action: "read", reason: denied() }, Failed, "nothing was changed"),
            (&E::NoGit(process()), Failed, "git"),
            (&E::NotOurs(path()), Failed, "remove or rename"),
            (&E::step(&path(), "create")(denied()), Failed, "marked as done"),
            (&E::Command(process()), Failed, "marked as done"),
            (&E::OwnerNotRestored { path: path(), reason: denied() }, Failed, "chown"),
        ]);
    }
}
