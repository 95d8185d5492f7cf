//! Links to authctl under the names that other programs run.

use std::path::{Path, PathBuf};

use super::error::SetupError;
use crate::os::user_file;

/// Creates a link to authctl and replaces an older one.
pub(super) fn make_link(path: &Path, program: &Path) -> Result<(), SetupError> {
    if let Ok(metadata) = std::fs::symlink_metadata(path) {
        // A link to an authctl that has moved may be replaced. Anything else belongs to another program.
        let target = std::fs::read_link(path).unwrap_or_default();
        let ours = metadata.is_symlink() && target.file_name() == program.file_name();
        if !ours {
            return Err(SetupError::NotOurs(path.to_owned()));
        }
        std::fs::remove_file(path).map_err(SetupError::step(path, "replace"))?;
    }
    let linked = path.parent().map_or(Ok(()), user_file::make_folder).and_then(|()| link(program, path));
    let linked = linked.and_then(|()| user_file::own_like_folder(path));
    linked.map_err(SetupError::step(path, "create"))
}

#[cfg(unix)]
fn link(program: &Path, path: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(program, path)
}

/// Symbolic links need a privilege on Windows. Hard links do not, and a copy works everywhere.
#[cfg(not(unix))]
fn link(program: &Path, path: &Path) -> std::io::Result<()> {
    std::fs::hard_link(program, path).or_else(|_| std::fs::copy(program, path).map(drop))
}

pub(super) fn is_link_to(path: &Path, program: &Path) -> bool {
    let same = |one: &Path, other: &Path| {
        one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
    };
    if cfg!(unix) {
        std::fs::read_link(path).is_ok_and(|target| target == program)
            || (path.is_symlink() && same(path, program))
    } else {
        path.exists()
    }
}

/// Whether the user owns the folder and no other user except root can write to it.
#[cfg(unix)]
pub(super) fn is_private(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(folder).is_ok_and(|metadata| {
        metadata.is_dir()
            && metadata.uid() == rustix::process::geteuid().as_raw()
            && metadata.mode() & 0o022 == 0
    })
}

#[cfg(not(unix))]
pub(super) fn is_private(folder: &Path) -> bool {
    folder.is_dir()
}

/// Returns the folders on PATH.
pub(super) fn split_paths(path: &str) -> Vec<PathBuf> {
    std::env::split_paths(path).filter(|folder| folder.is_absolute()).collect()
}
