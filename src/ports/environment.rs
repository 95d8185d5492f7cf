//! Environment variables, the working folder, and this program's path.

use std::path::PathBuf;

pub trait Environment: Send + Sync {
    fn variable(&self, name: &str) -> Option<String>;
    /// A variable that names a file, which need not be valid Unicode.
    fn file_variable(&self, name: &str) -> Option<PathBuf> {
        self.variable(name).map(PathBuf::from)
    }
    /// All variables that are valid Unicode.
    fn variables(&self) -> Vec<(String, String)>;
    fn current_folder(&self) -> Option<PathBuf>;
    /// This program's path: preferably its name in a folder of PATH, which stays valid after updates.
    fn program(&self) -> Option<PathBuf>;
}
