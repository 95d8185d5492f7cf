//! The folders of this program.

use std::path::{Path, PathBuf};

/// The folders of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folder {
    /// The user's configuration.
    Config,
    /// The machine's configuration.
    Site,
    /// Records and their index.
    State,
    /// Keys of sealed records: another folder than the records'.
    Data,
    /// Public data of servers, which can be fetched again.
    Cache,
    /// Locks of stores that belong to the user as such: it depends on no variable (F-ROT3).
    Locks,
    /// Sockets, and what goes with a running program.
    Runtime,
}

/// Says where the folders are.
pub trait Paths: Send + Sync {
    /// The path of a folder, which may not exist yet.
    ///
    /// # Errors
    /// When the system does not say, as without a home: there is no fallback to `/tmp` (F-STO2).
    fn folder(&self, folder: Folder) -> Result<PathBuf, NoFolder>;
    /// The user's home, for `~/` in the configuration.
    fn home(&self) -> Option<PathBuf>;
    /// A folder in memory in which folders of this user may be made, where the platform has one.
    fn memory(&self) -> Option<PathBuf> {
        None
    }

    /// A path of the configuration, with the home in the place of `~`.
    fn expand(&self, path: &Path) -> PathBuf {
        match (path.strip_prefix("~"), self.home()) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => path.to_owned(),
        }
    }
}

/// A folder that the system does not name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no folder for {0}: is HOME set?")]
pub struct NoFolder(pub &'static str);
