//! Creates folders, which belong to the user even under sudo.

use std::io;
use std::path::Path;

/// Creates a folder and its ancestors. Below another user's folder they belong to that user, as under sudo.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().unwrap_or(Path::new(""));
    make_folder(above)?;
    match std::fs::create_dir(folder) {
        Ok(()) => own_like_folder(folder),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// The user and group that root gives to a new file in a folder: the folder's, if it belongs to another user.
#[cfg(unix)]
pub(super) fn owner_in(folder: &Path) -> io::Result<Option<(u32, u32)>> {
    use std::os::unix::fs::MetadataExt as _;
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let found = std::fs::metadata(folder)?;
    Ok((found.uid() != 0).then(|| (found.uid(), found.gid())))
}

/// Gives a new file or link to the owner of its folder. It does not follow the link.
#[cfg(unix)]
pub fn own_like_folder(path: &Path) -> io::Result<()> {
    match owner_in(path.parent().unwrap_or(Path::new("")))? {
        Some((user, group)) => std::os::unix::fs::lchown(path, Some(user), Some(group)),
        None => Ok(()),
    }
}

/// On Windows, new files already belong to the right user.
#[cfg(not(unix))]
pub fn own_like_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
