//! The Unix socket, which nobody else can connect to from its first moment, and which is removed afterwards.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::Mode;

use crate::adapters::clock::SystemClock;
use crate::os::private_file;
use crate::ports::local_server::{Address, ServeError};
use crate::store::StoreError;
use crate::store::lock::Lock;
use crate::text::untrusted::escaped;

/// How long two servers that start at once wait for each other.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The file of a socket that authctl listens on. Dropping it removes the socket if it is still the same file: no other
/// authctl can replace it while this one holds the lock, and another program's file has another identity.
pub(super) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
    _lock: Lock,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if std::fs::symlink_metadata(&self.path).is_ok_and(|found| identity(&found) == self.identity) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Identifies the file, whatever its name.
fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Listens on a socket with mode 0600, in a folder that others cannot write to. A socket without a listener is
/// replaced; any other file stays.
pub(super) fn bind(path: &Path) -> Result<(UnixListener, SocketFile), ServeError> {
    let failed = |source| ServeError::Io { address: Address::Socket(path.to_owned()), source };
    let refused = |error: &dyn std::fmt::Display| failed(io::Error::other(error.to_string()));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    private_file::make_folder(folder).map_err(|error| refused(&error))?;
    // A live server is reported at once, but a dead one is only replaced under the lock.
    check_path(path)?;
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    let lock =
        Lock::take(Path::new(&lock), LONGEST_WAIT, &SystemClock::start()).map_err(|error| match error {
            StoreError::LockTimeout { path: lock, .. } => {
                ServeError::Locked { address: Address::Socket(path.to_owned()), lock: escaped(&lock) }
            }
            error => refused(&error),
        })?;
    if check_path(path)? == There::Dead {
        std::fs::remove_file(path).map_err(failed)?;
    }
    // No other thread creates files yet.
    let before = rustix::process::umask(Mode::from_raw_mode(0o177));
    let listener = UnixListener::bind(path);
    rustix::process::umask(before);
    let listener = listener.map_err(failed)?;
    let made = std::fs::symlink_metadata(path).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok((listener, SocketFile { path: path.to_owned(), identity: identity(&made), _lock: lock }))
}

/// The file at a path.
#[derive(Debug, PartialEq, Eq)]
enum There {
    Nothing,
    /// The socket of a server that has ended.
    Dead,
}

/// Looks at the file at the path.
fn check_path(path: &Path) -> Result<There, ServeError> {
    let failed = |source| ServeError::Io { address: Address::Socket(path.to_owned()), source };
    let found = match std::fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(There::Nothing),
        Err(error) => return Err(failed(error)),
    };
    let stays = |problem: &str| ServeError::NotASocket {
        path: path.display().to_string(),
        problem: problem.to_owned(),
    };
    if !found.file_type().is_socket() {
        return Err(stays("already exists and is not a socket"));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(stays("belongs to another user"));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(There::Dead),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(There::Nothing),
        Err(error) => Err(failed(error)),
        Ok(_) => Err(ServeError::Taken(Address::Socket(path.to_owned()))),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_lock_that_another_server_holds_is_called_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let _server = bind(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let Err(error @ ServeError::Locked { .. }) = bind(&path) else { panic!("it was not locked") };
        let said = error.to_string();
        assert!(said.contains("another `authctl serve`") && said.contains("socket.lock"), "{said}");
    }

    #[test]
    fn a_socket_is_private_and_replaces_only_a_dead_one_f_sto2() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/socket");
        let (listener, file) = bind(&path).unwrap();
        assert_eq!(std::fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(bind(&path), Err(ServeError::Taken(_))));
        assert!(path.exists(), "the live one stays");
        drop((listener, file));
        assert!(!path.exists());
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "a dead one");
        let (_listener, file) = bind(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "another's").unwrap();
        drop(file);
        assert!(path.exists(), "another's file is not removed");

        std::fs::write(&path, "mine").unwrap();
        assert!(matches!(bind(&path), Err(ServeError::NotASocket { .. })));
        std::fs::remove_file(&path).unwrap();
        let target = folder.path().join("target");
        let _live = UnixListener::bind(&target).unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        assert!(matches!(bind(&path), Err(ServeError::NotASocket { .. })), "a link is not followed");
        std::fs::remove_file(&path).unwrap();
        std::fs::set_permissions(path.parent().unwrap(), PermissionsExt::from_mode(0o777)).unwrap();
        assert!(matches!(bind(&path), Err(ServeError::Io { .. })), "others could put theirs there");
    }
}
