//! Tokens in files that go with the program that reads them: in memory where the platform has such a folder.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::error::ExecError;
use crate::os::private_file;
use crate::ports::{Folder, System};
use crate::secret::SecretText;

/// What the folders of runs are called; the rest is chance.
const PREFIX: &str = "authctl-exec-";
/// The file whose lock says that the run is not over.
const LOCK: &str = ".lock";
/// How often a folder is made that another run takes for a leftover before it is locked.
const TRIES: u32 = 5;

/// The folder of one run. It goes when it is dropped; one whose run was killed goes with the next run.
pub struct TokenFolder {
    path: PathBuf,
    lock: Option<File>,
}

impl TokenFolder {
    /// Makes the folder, after removing those that killed runs left behind.
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

    /// Writes a token into a file of this name, and says where it is.
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
        // Windows removes no file that is open.
        self.lock = None;
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// The folder in memory; where there is none, the one for state.
fn parent(system: &System) -> Result<PathBuf, ExecError> {
    if let Some(folder) = system.paths.memory() {
        return Ok(folder);
    }
    let folder = system.paths.folder(Folder::State)?;
    private_file::make_folder(&folder)?;
    system.console.note(
        "the file with the token is on the disk while the program runs: this system has no folder in memory",
    );
    Ok(folder)
}

/// Locks a folder's lock, which is made where it is not there; `None` when another run holds it, or removed the folder.
fn lock(folder: &Path) -> io::Result<Option<File>> {
    let path = folder.join(LOCK);
    let file = match OpenOptions::new().write(true).create(true).truncate(false).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // What was removed between the two can be locked still.
    let locked = file.try_lock().is_ok() && path.exists();
    Ok(locked.then_some(file))
}

/// Removes the folders of this user whose run is over, each under its lock. What cannot be removed stays: it is none of
/// this run's.
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
