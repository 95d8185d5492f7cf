//! The owner of a file that another program replaces.

#[cfg(unix)]
use std::fs::File;
use std::io;
use std::path::Path;

#[cfg(unix)]
use super::folder::owner_in;
use super::target::NOT_REGULAR;
#[cfg(unix)]
use super::target::{folder_of, target};

/// The owner of a file that another program is about to replace, such as git under sudo.
#[cfg(unix)]
pub struct Owner {
    folder: File,
    name: std::ffi::OsString,
    user: u32,
    group: u32,
}

#[cfg(unix)]
impl Owner {
    /// Notes the owner of a file, or of its folder if it does not exist. `None` if nothing needs to be restored. Fails if it
    /// is not a regular file, which the other program could wait for forever.
    pub fn of(path: &Path) -> io::Result<Option<Self>> {
        use std::os::unix::fs::MetadataExt as _;
        let path = target(path)?;
        let folder = folder_of(&path);
        let owner = match std::fs::metadata(&path) {
            Ok(found) if !found.is_file() => return Err(io::Error::other(NOT_REGULAR)),
            Ok(found) => Some((found.uid(), found.gid())),
            // The other program creates the folder, too.
            Err(_) if !folder.exists() => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => owner_in(folder)?,
            Err(error) => return Err(error),
        };
        let (Some((user, group)), Some(name)) = (owner, path.file_name()) else { return Ok(None) };
        if user == 0 || !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        Ok(Some(Self { folder: File::open(folder)?, name: name.to_owned(), user, group }))
    }

    /// Gives the file back to its owner if it belongs to root now. It is looked up in the same folder as before, and no link
    /// is followed: otherwise the owner could be given any of root's files.
    pub fn restore(&self) -> io::Result<()> {
        use rustix::fs::{Mode, OFlags, openat};
        use std::os::unix::fs::MetadataExt as _;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(&self.folder, &self.name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::NOENT) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let found = file.metadata()?;
        if !found.is_file() || found.nlink() > 1 || found.uid() != 0 {
            return Ok(());
        }
        std::os::unix::fs::fchown(&file, Some(self.user), Some(self.group))
    }
}

/// On Windows, the owner does not change.
#[cfg(not(unix))]
pub struct Owner;

#[cfg(not(unix))]
impl Owner {
    /// Fails if the file exists and is not a regular file.
    pub fn of(path: &Path) -> io::Result<Option<Self>> {
        match std::fs::metadata(path) {
            Ok(found) if !found.is_file() => Err(io::Error::other(NOT_REGULAR)),
            _ => Ok(None),
        }
    }

    pub fn restore(&self) -> io::Result<()> {
        Ok(())
    }
}
