//! Locks among processes, and among machines. The kernel holds those among processes, and releases them when their
//! process ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::os::private_file;
use crate::os::private_file::FileError;
use crate::ports::Clock;
use crate::store::error::StoreError;

/// A refresh takes at most 30 seconds, so a process that holds a lock for longer is not refreshing (F-ROT4).
pub const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How long a shared store keeps the lock of a holder that has died. A refresh with its one retry finishes earlier.
pub const LOCK_LIFE: Duration = Duration::from_secs(55);

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub struct Lock {
    /// The lock among machines, which is released before the one among processes.
    _shared: Option<SharedLock>,
    _file: File,
    path: PathBuf,
}

/// A lock among machines, which is released when this is dropped.
pub struct SharedLock(Option<Box<dyn FnOnce()>>);

impl SharedLock {
    pub(super) fn new(release: impl FnOnce() + 'static) -> Self {
        Self(Some(Box::new(release)))
    }
}

impl Drop for SharedLock {
    fn drop(&mut self) {
        if let Some(release) = self.0.take() {
            release();
        }
    }
}

impl std::fmt::Debug for SharedLock {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SharedLock")
    }
}

impl Lock {
    pub(super) fn with_shared(self, shared: Option<SharedLock>) -> Self {
        Self { _shared: shared, ..self }
    }

    pub fn is_at(&self, path: &Path) -> bool {
        self.path == path
    }

    /// Takes the lock at `path`, waiting for another process that holds it. The file stays after the lock is released:
    /// removing it would let two processes lock two files of the same name. [`StoreError::LockTimeout`] after `limit`.
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
                Ok(()) => return Ok(Self { _shared: None, _file: file, path: path.to_owned() }),
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
