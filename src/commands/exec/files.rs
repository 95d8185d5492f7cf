//! Token files that exist only while the program runs, in memory if the platform has such a folder.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::error::ExecError;
use crate::os::private_file;
use crate::ports::{Folder, System};
use crate::secret::SecretText;

/// The prefix of each run's folder; the rest of the name is random.
const PREFIX: &str = "authctl-exec-";
/// The file that is locked as long as the run lasts.
const LOCK: &str = ".lock";
/// How often to try again if another run removes the new folder before it is locked.
const TRIES: u32 = 5;

/// The folder of one run. Dropping it removes it; the next run removes the folder of a killed run.
pub struct TokenFolder {
    path: PathBuf,
    lock: Option<File>,
}

impl TokenFolder {
    /// Creates the folder, after removing those that killed runs left behind.
    pub fn make(system: &System) -> Result<Self, ExecError> {
        let parent = parent(system)?;
        remove_leftovers(&parent);
        let failed = |reason| ExecError::NotKept { path: parent.clone(), reason };
        for _ in 0..TRIES {
            let mut builder = tempfile::Builder::new();
            builder.prefix(PREFIX);
            #[cfg(unix)]
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
            let made = builder.tempdir_in(&parent).map_err(failed)?;
            let mut folder = Self { path: made.keep(), lock: None };
            folder.lock = lock(&folder.path).map_err(failed)?;
            if folder.lock.is_some() {
                return Ok(folder);
            }
        }
        Err(ExecError::Emptied(parent))
    }

    /// Writes a token to a file with this name and returns the path.
    pub fn write(&self, name: &str, text: &SecretText) -> Result<String, ExecError> {
        let path = self.path.join(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&path).and_then(|mut file| file.write_all(text.expose().as_bytes()));
        written.map_err(|reason| ExecError::NotKept { path: path.clone(), reason })?;
        let text = path.into_os_string().into_string();
        text.map_err(|path| ExecError::UnspeakableFolder(path.into()))
    }
}

impl Drop for TokenFolder {
    fn drop(&mut self) {
        // Windows cannot remove an open file.
        self.lock = None;
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Returns the folder in memory, or else the state folder.
fn parent(system: &System) -> Result<PathBuf, ExecError> {
    if let Some(folder) = system.paths.memory() {
        return Ok(folder);
    }
    let folder = system.paths.folder(Folder::State)?;
    private_file::make_folder(&folder)?;
    system
        .console
        .note("this system has no folder in memory, so the token file is on disk while the program runs");
    Ok(folder)
}

/// Locks a folder. `None` means that another run holds the lock or removed the folder.
fn lock(folder: &Path) -> io::Result<Option<File>> {
    let path = folder.join(LOCK);
    let file = match OpenOptions::new().write(true).create(true).truncate(false).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // A removed file can still be locked.
    let locked = file.try_lock().is_ok() && path.exists();
    Ok(locked.then_some(file))
}

/// Removes this user's folders whose run is over, each under its lock. It ignores failures, which do not concern this run.
fn remove_leftovers(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_folder = std::fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir());
        let named = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if named
            && is_folder
            && private_file::check_folder(&path).is_ok()
            && let Ok(Some(_lock)) = lock(&path)
        {
            let _ = std::fs::remove_dir_all(&path);
        }
    }
}
