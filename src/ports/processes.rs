//! Runs other programs.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use crate::ports::launch::{Ended, InheritedFile, Launch, LaunchError, OutputFilter};
use crate::secret::SecretText;
use crate::text::untrusted::escaped;

/// Runs other programs, never through a shell, and never found in the working folder.
pub trait Processes: Send + Sync {
    /// Runs a program to its end and takes its standard output.
    fn output(&self, program: &Program<'_>) -> Result<SecretText, ProcessError>;
    /// Runs a program that talks with the user, such as an editor, to its end.
    fn interact(&self, program: &Program<'_>) -> Result<(), ProcessError>;
    /// Tells the process that started this one from all others, where the system says.
    fn parent(&self) -> Option<String>;
    /// Runs a program with the user's own streams to its end. Signals that are sent to this process go on to it.
    ///
    /// With a `filter`, standard output is held back until its first bytes or its end, and the filter decides what happens
    /// to it.
    fn run(&self, launch: &Launch<'_>, filter: Option<OutputFilter<'_>>) -> Result<Ended, LaunchError>;
    /// Puts a program in the place of this process, where the platform can; else runs it to its end.
    fn replace(&self, launch: &Launch<'_>) -> Result<Ended, LaunchError>;
    /// A file with a text, which the next program that runs can read once.
    ///
    /// # Errors
    /// As the system reports them.
    fn inherited_text(&self, text: &SecretText) -> io::Result<Box<dyn InheritedFile>>;
    /// An empty file, which the next program that runs can write to.
    ///
    /// # Errors
    /// As the system reports them.
    fn inherited_output(&self) -> io::Result<Box<dyn InheritedFile>>;
}

#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// The program and its arguments.
    pub command: &'a [String],
    /// How long it may run; ignored where the user talks with it.
    pub timeout: Duration,
    /// Variables that it does not inherit; `AUTHCTL_…` never are.
    pub withheld: &'a BTreeSet<String>,
    /// What it is given on its standard input; without it, that is empty.
    pub input: Option<&'a SecretText>,
}

/// Why a program gave nothing. What it printed is never part of it.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started.
    #[error("cannot run {}: {reason}", escaped(.program))]
    NotStarted { program: String, reason: String },
    /// It ended with another status than 0.
    #[error("{} {status}", escaped(.program))]
    Failed { program: String, status: String },
    /// It ran for too long and was ended.
    #[error("{} did not end within {}", escaped(.program), crate::text::humanize::counted(*.seconds, "second"))]
    TimedOut { program: String, seconds: u64 },
    /// It printed too much, or something that is not UTF-8.
    #[error("{} printed something unusable: {reason}", escaped(.program))]
    Unusable { program: String, reason: &'static str },
}
