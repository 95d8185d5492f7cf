//! The user's input, typed or piped.

use std::io;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use crate::secret::SecretText;

pub trait Input: Send + Sync {
    /// Whether standard input is a terminal, where the user can type.
    fn is_terminal(&self) -> bool;
    /// Asks for a secret without showing it.
    fn ask_hidden(&self, question: &str) -> io::Result<SecretText>;
    /// Asks for a line. An empty line selects the default.
    fn ask(&self, question: &str, default: Option<&str>) -> io::Result<String>;
    /// Asks for yes or no.
    fn confirm(&self, question: &str, default: bool) -> io::Result<bool>;
    /// Reads standard input to its end, but at most `limit` bytes.
    fn read_all(&self, limit: usize) -> io::Result<SecretText>;
    /// The same for another program's output, which must end within the deadline.
    fn read_within(&self, limit: usize, deadline: Duration) -> io::Result<SecretText>;
    /// The lines that the user types from now on, read in the background.
    fn lines(&self) -> io::Result<Receiver<SecretText>>;
}
