//! Running a program with the user's own streams, and its exit status.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::advice::{Advise, Status};
use crate::secret::SecretText;
use crate::text::untrusted::escaped;

/// A program to run with the user's own streams.
#[derive(Clone, Copy)]
pub struct Launch<'a> {
    /// A name to look up on PATH, or a path.
    pub program: &'a OsStr,
    pub arguments: &'a [OsString],
    /// Variables to set.
    pub variables: &'a [(String, SecretText)],
    /// Variables that it does not inherit, unless `variables` sets them; it never inherits `AUTHCTL_…`.
    pub withheld: &'a BTreeSet<String>,
    /// The files in its arguments that only it can open.
    pub inherited: &'a [&'a dyn InheritedFile],
}

/// A file that only this process and the program that it runs can open. Dropping it removes the file.
pub trait InheritedFile {
    fn path(&self) -> &Path;
    /// Sets whether programs that start from now on inherit it. It is on only while its own program starts.
    fn set_inheritable(&self, inheritable: bool);
    /// Its current contents; empty for a text that can be read only once.
    fn contents(&self) -> Vec<u8>;
}

/// Decides from the beginning of a program's output what happens to the output.
pub type OutputFilter<'a> = &'a mut dyn FnMut(&[u8]) -> OutputAction;

/// What happens to output that is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputAction {
    Wait,
    /// Pass it on to the user, and everything that follows.
    Release,
    Discard,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Status(u8),
    Signal(i32),
    /// Its output was discarded, and its exit status does not matter.
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

#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    #[error("cannot run {}: no such program", escaped(.program))]
    NotFound { program: String },
    /// It exists but cannot be run.
    #[error("cannot run {}: {reason}", escaped(.program))]
    NotExecutable { program: String, reason: String },
}

impl Advise for LaunchError {
    /// The same exit statuses as a shell's.
    fn status(&self) -> Status {
        match self {
            Self::NotFound { .. } => Status::Child(127),
            Self::NotExecutable { .. } => Status::Child(126),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { .. } => Some("check that it is installed and in a folder of PATH".to_owned()),
            Self::NotExecutable { .. } => None,
        }
    }
}
