//! authctl's folders.

use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folder {
    Config,
    Site,
    State,
    /// Keys of sealed records, separate from the records.
    Data,
    /// Servers' public data, which can be fetched again.
    Cache,
    /// Locks for stores that belong to the user rather than to a home: it depends on no variable (F-ROT3).
    Locks,
    /// Sockets and other files of a running program.
    Runtime,
}

pub trait Paths: Send + Sync {
    /// The path of a folder, which may not exist yet. Fails if it is unknown, as without a home: it never falls back
    /// to `/tmp` (F-STO2).
    fn folder(&self, folder: Folder) -> Result<PathBuf, NoFolder>;
    /// The user's home, for `~/` in the configuration.
    fn home(&self) -> Option<PathBuf>;
    /// An in-memory folder in which this user may create folders, if the platform has one.
    fn memory(&self) -> Option<PathBuf> {
        None
    }

    /// A path from the configuration, with the home instead of `~`.
    fn expand(&self, path: &Path) -> PathBuf {
        match (path.strip_prefix("~"), self.home()) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => path.to_owned(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the folder for {0} is unknown; set HOME")]
pub struct NoFolder(pub &'static str);
