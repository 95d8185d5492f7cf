//! Other programs.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use crate::ports::launch::{Ended, InheritedFile, Launch, LaunchError, OutputFilter};
use crate::secret::SecretText;
use crate::text::untrusted::escaped;

/// Runs other programs, never through a shell and never from the working folder.
pub trait Processes: Send + Sync {
    /// Runs a program to its end and returns its standard output.
    fn output(&self, program: &Program<'_>) -> Result<SecretText, ProcessError>;
    /// Runs an interactive program, such as an editor, to its end.
    fn interact(&self, program: &Program<'_>) -> Result<(), ProcessError>;
    /// Identifies the process that started this one, if the system says.
    fn parent(&self) -> Option<String>;
    /// Runs a program with the user's own streams to its end. Signals to this process are forwarded to it.
    ///
    /// With a `filter`, standard output is held back until its first bytes or its end, and the filter decides what
    /// happens to it.
    fn run(&self, launch: &Launch<'_>, filter: Option<OutputFilter<'_>>) -> Result<Ended, LaunchError>;
    /// Replaces this process with a program, if the platform can; otherwise runs it to its end.
    fn replace(&self, launch: &Launch<'_>) -> Result<Ended, LaunchError>;
    /// A file with a text, which the next program that runs can read once.
    fn inherited_text(&self, text: &SecretText) -> io::Result<Box<dyn InheritedFile>>;
    /// An empty file, which the next program that runs can write to.
    fn inherited_output(&self) -> io::Result<Box<dyn InheritedFile>>;
}

#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    pub command: &'a [String],
    /// How long it may run; ignored for interactive programs.
    pub timeout: Duration,
    /// Variables that it does not inherit; it never inherits `AUTHCTL_…`.
    pub withheld: &'a BTreeSet<String>,
    /// Its standard input, which is otherwise empty.
    pub input: Option<&'a SecretText>,
}

/// Why a program returned nothing. The error never contains its output.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    #[error("cannot run {}: {reason}", escaped(.program))]
    NotStarted { program: String, reason: String },
    /// It exited with another status than 0.
    #[error("{} {status}", escaped(.program))]
    Failed { program: String, status: String },
    /// It ran for too long and was ended.
    #[error("{} did not end within {}", escaped(.program), crate::text::humanize::counted(*.seconds, "second"))]
    TimedOut { program: String, seconds: u64 },
    /// It printed too much, or something that is not UTF-8.
    #[error("{} printed unusable output: {reason}", escaped(.program))]
    Unusable { program: String, reason: &'static str },
}
