//! Standard output and standard error.

use std::io;
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// For results, which may be piped.
    Out,
    /// For messages to the user.
    Err,
}

pub trait Terminal: Send + Sync {
    /// Writes and flushes. A closed pipe is an error.
    fn write(&self, stream: Stream, bytes: &[u8]) -> io::Result<()>;
    fn is_terminal(&self, stream: Stream) -> bool;
    /// Shows that authctl waits, and how long still if there is a limit, until the returned guard is dropped.
    fn wait(&self, message: &str, limit: Option<Duration>) -> Box<dyn Waiting>;
    /// The line width of a stream, if it is a terminal.
    fn width(&self, stream: Stream) -> Option<usize>;
}

/// A wait that is shown until this is dropped.
pub trait Waiting {}
