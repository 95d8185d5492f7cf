//! Writes to standard output and standard error.

use std::io;
use std::time::Duration;

/// The two streams of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// For what may be piped.
    Out,
    /// For the person.
    Err,
}

/// Shows what is said.
pub trait Terminal: Send + Sync {
    /// Writes and flushes.
    ///
    /// # Errors
    /// As the stream reports them; a closed pipe is one.
    fn write(&self, stream: Stream, bytes: &[u8]) -> io::Result<()>;
    fn is_terminal(&self, stream: Stream) -> bool;
    /// Shows that something is waited for, and how long still where there is a limit, until the returned guard is dropped.
    fn wait(&self, message: &str, limit: Option<Duration>) -> Box<dyn Waiting>;
    /// How many characters fit into a line of a stream, where that is a terminal.
    fn width(&self, stream: Stream) -> Option<usize>;
}

/// A wait that is shown; dropping it takes it away.
pub trait Waiting {}
