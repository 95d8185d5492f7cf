//! Follows a path's links to the file that it names.

use std::io;
use std::path::{Path, PathBuf};

pub(super) const NOT_REGULAR: &str = "it is not a regular file";
/// The same limit as Linux's own.
const MOST_LINKS: usize = 40;

/// The file that a path leads to. Unlike `canonicalize`, this also follows a link to a file that does not exist.
pub(super) fn target(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let is_link = std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink());
        if !is_link {
            return Ok(path);
        }
        let named = std::fs::read_link(&path)?;
        path = path.parent().unwrap_or(Path::new("")).join(named);
    }
    Err(io::Error::other("it is a link that leads back to itself"))
}

/// The folder of a file; `.` for a bare name.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
