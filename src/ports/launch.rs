//! A program that runs with the user's own streams, and how it ends.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::advice::{Advise, Status};
use crate::secret::SecretText;
use crate::text::untrusted::escaped;

/// A program to run with the user's own streams.
#[derive(Clone, Copy)]
pub struct Launch<'a> {
    /// The program: looked for on PATH, or a path as the user wrote it.
    pub program: &'a OsStr,
    pub arguments: &'a [OsString],
    /// Variables that it is given.
    pub variables: &'a [(String, SecretText)],
    /// Variables that it does not inherit, unless they are among `variables`; `AUTHCTL_…` never are.
    pub withheld: &'a BTreeSet<String>,
    /// The files that its arguments name and that only it can open.
    pub inherited: &'a [&'a dyn InheritedFile],
}

/// A file that only this process and the program that it runs can open. Dropping it removes it.
pub trait InheritedFile {
    /// The path that the program opens.
    fn path(&self) -> &Path;
    /// Sets whether programs that start from now on inherit it: only while its own program starts.
    fn set_inheritable(&self, inheritable: bool);
    /// Its current contents; empty for a text that can be read only once.
    fn contents(&self) -> Vec<u8>;
}

/// Decides from the beginning of a program's output what happens to it.
pub type OutputFilter<'a> = &'a mut dyn FnMut(&[u8]) -> OutputAction;

/// What happens to output that is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputAction {
    Wait,
    /// It goes to the user, and what follows too.
    Release,
    /// It goes to nobody.
    Discard,
}

/// How a program that was run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Status(u8),
    Signal(i32),
    /// Its output was discarded, and how it ended does not matter.
    Discarded,
}

impl From<Ended> for Status {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Status(0) | Ended::Discarded => Self::Done,
            Ended::Status(status) => Self::Child(status),
            Ended::Signal(signal) => Self::Interrupted(signal),
        }
    }
}

/// Why a program was not run.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// It is not there.
    #[error("cannot run {}: there is no such program", escaped(.program))]
    NotFound { program: String },
    /// It is there and cannot be run.
    #[error("cannot run {}: {reason}", escaped(.program))]
    NotExecutable { program: String, reason: String },
}

impl Advise for LaunchError {
    /// The statuses that a shell gives.
    fn status(&self) -> Status {
        match self {
            Self::NotFound { .. } => Status::Child(127),
            Self::NotExecutable { .. } => Status::Child(126),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { .. } => Some("is it installed, and in a folder of PATH?".to_owned()),
            Self::NotExecutable { .. } => None,
        }
    }
}
