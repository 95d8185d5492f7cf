//! Locks between processes: the kernel's, so that they end with the process that holds them.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::StoreError;
use crate::os::private_file;
use crate::os::private_file::FileError;
use crate::ports::Clock;
use crate::store::shared::EngineLock;

/// A refresh takes at most 30 seconds; a lock that is held for longer than this is no refresh (F-ROT4).
pub const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    /// Among machines; it goes before the one among processes does.
    _engine: Option<Box<dyn EngineLock>>,
    _file: File,
    path: PathBuf,
}

impl Lock {
    /// The lock, together with one among machines.
    #[must_use]
    pub fn with_engine(self, engine: Box<dyn EngineLock>) -> Self {
        Self { _engine: Some(engine), ..self }
    }

    /// Whether it is the lock at `path`.
    #[must_use]
    pub fn is_at(&self, path: &Path) -> bool {
        self.path == path
    }

    /// Takes the lock at `path`, waiting for another process that holds it. The file stays when the lock goes: removing
    /// it would let two processes hold locks on two files of one name.
    ///
    /// # Errors
    /// [`StoreError::LockTimeout`] after `limit`; [`StoreError::File`] when there can be no lock.
    pub fn take(path: &Path, limit: Duration, clock: &dyn Clock) -> Result<Self, StoreError> {
        let failed = |source| FileError::Io { path: path.display().to_string(), source };
        private_file::make_folder(path.parent().unwrap_or(Path::new(".")))?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        private_file::no_follow(&mut options);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(failed)?;
        private_file::check_private(&file, path, false)?;
        let deadline = clock.elapsed() + limit;
        let mut pause = Duration::from_millis(2);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _engine: None, _file: file, path: path.to_owned() }),
                Err(TryLockError::Error(error)) => return Err(failed(error).into()),
                Err(TryLockError::WouldBlock) if clock.elapsed() >= deadline => {
                    return Err(StoreError::LockTimeout { path: path.display().to_string(), waited: limit });
                }
                Err(TryLockError::WouldBlock) => {
                    clock.sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(50));
                }
            }
        }
    }
}
