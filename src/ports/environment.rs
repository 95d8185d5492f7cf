//! Reads environment variables, the working folder, and where this program is.

use std::path::PathBuf;

/// Reads the environment.
pub trait Environment: Send + Sync {
    /// A variable, if it is set and is Unicode.
    fn variable(&self, name: &str) -> Option<String>;
    /// A variable that names a file, which need not be Unicode.
    fn file_variable(&self, name: &str) -> Option<PathBuf> {
        self.variable(name).map(PathBuf::from)
    }
    /// All variables that are Unicode.
    fn variables(&self) -> Vec<(String, String)>;
    fn current_folder(&self) -> Option<PathBuf>;
    /// This program's file: the name under which PATH has it, which outlives updates, else its own.
    fn program(&self) -> Option<PathBuf>;
}
