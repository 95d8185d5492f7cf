//! Reads what the user types or pipes in.

use std::io;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use crate::secret::SecretText;

/// Reads what the user types or pipes in.
pub trait Input: Send + Sync {
    /// Whether standard input is a terminal, where somebody may type.
    fn is_terminal(&self) -> bool;
    /// Asks for a secret without showing it.
    ///
    /// # Errors
    /// When the terminal cannot be read.
    fn ask_hidden(&self, question: &str) -> io::Result<SecretText>;
    /// Asks for a line. An empty answer stands for the default.
    ///
    /// # Errors
    /// When the terminal cannot be read.
    fn ask(&self, question: &str, default: Option<&str>) -> io::Result<String>;
    /// Asks for yes or no.
    ///
    /// # Errors
    /// When the terminal cannot be read.
    fn confirm(&self, question: &str, default: bool) -> io::Result<bool>;
    /// Reads standard input to its end, but no more than `limit` bytes.
    ///
    /// # Errors
    /// As the stream reports them, or when there is more.
    fn read_all(&self, limit: usize) -> io::Result<SecretText>;
    /// The same for what another program writes, which must end within the deadline.
    ///
    /// # Errors
    /// The same, and when it takes longer.
    fn read_within(&self, limit: usize, deadline: Duration) -> io::Result<SecretText>;
    /// The lines that are typed from now on, read in the background.
    ///
    /// # Errors
    /// When nothing can be read in the background.
    fn lines(&self) -> io::Result<Receiver<SecretText>>;
}
