//! Files that only the user may read: private from the first byte, replaced as a whole, and never read if others could
//! have written them.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use zeroize::Zeroizing;

/// The most bytes of a file. authctl's own are shorter.
const LARGEST: u64 = 8 << 20;

/// Why a private file was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Others can read or write it, or own it (F-STO2).
    #[error("{path} {problem}")]
    NotPrivate { path: String, problem: String },
    #[error("{path}: {source}")]
    Io { path: String, source: io::Error },
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> FileError + '_ {
    |source| FileError::Io { path: path.display().to_string(), source }
}

/// Reads a file that belongs to the user alone; `None` if it does not exist. It does not follow links, and it checks
/// the same file that it reads (F-STO3, F-STO4).
pub fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
    let file = match open_no_follow(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path)(error)),
    };
    check_private(&file, path, false)?;
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(size.min(LARGEST)).unwrap_or(0) + 1));
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed(path))?;
    if bytes.len() as u64 > LARGEST {
        return Err(failed(path)(io::Error::other("it is too large")));
    }
    Ok(Some(bytes))
}

/// Creates or replaces a file: writes a new file with mode 0600 next to it, syncs it, renames it into place and syncs
/// the folder. Creates the folder with mode 0700 if it does not exist. After an error the earlier file is unchanged.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let (folder, file) = beside(path, bytes)?;
    file.persist(path).map_err(|error| failed(path)(error.error))?;
    sync_folder(folder)
}

/// Creates a file like [`write()`] does, unless it already exists.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let (folder, file) = beside(path, bytes)?;
    match file.persist_noclobber(path) {
        Ok(_) => sync_folder(folder),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(path)(error.error)),
    }
}

/// Writes and syncs a new file with a random name next to `path`; `tempfile` creates it with mode 0600 and `O_EXCL`.
fn beside<'a>(path: &'a Path, bytes: &[u8]) -> Result<(&'a Path, tempfile::NamedTempFile), FileError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder).map_err(failed(folder))?;
    file.write_all(bytes).map_err(failed(path))?;
    file.as_file().sync_all().map_err(failed(path))?;
    Ok((folder, file))
}

/// Removes a file; `false` if it did not exist.
pub fn remove(path: &Path) -> Result<bool, FileError> {
    match std::fs::remove_file(path) {
        Ok(()) => {
            sync_folder(path.parent().unwrap_or(Path::new(".")))?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed(path)(error)),
    }
}

/// Creates a folder with mode 0700, or checks the existing one.
pub fn make_folder(folder: &Path) -> Result<(), FileError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(failed(folder))?;
    check_folder(folder)
}

/// Which access others have to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// None, or it is unknown.
    Private,
    Readable,
    Writable,
}

/// Which access others have to a file that the user named, such as a key.
pub fn exposure(path: &Path) -> Exposure {
    #[cfg(unix)]
    if let Ok(metadata) = std::fs::metadata(path) {
        use std::os::unix::fs::MetadataExt as _;
        return match metadata.mode() {
            mode if mode & 0o022 != 0 => Exposure::Writable,
            mode if mode & 0o044 != 0 => Exposure::Readable,
            _ => Exposure::Private,
        };
    }
    let _ = path;
    Exposure::Private
}

/// Checks that a folder belongs to the user and that nobody else can write to it.
pub fn check_folder(folder: &Path) -> Result<(), FileError> {
    #[cfg(unix)]
    {
        let file = File::open(folder).map_err(failed(folder))?;
        check_private(&file, folder, true)?;
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<(), FileError> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(failed(folder))
}

/// Windows has no such call: the file system's journal makes a rename durable.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> Result<(), FileError> {
    Ok(())
}

/// Opens a file for reading without following a link in the last part of the path, and without blocking on a pipe.
pub(crate) fn open_no_follow(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    no_follow(&mut options);
    options.open(path)
}

#[cfg(unix)]
pub(crate) fn no_follow(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    options.custom_flags(flags.bits().cast_signed());
}

#[cfg(not(unix))]
pub(crate) fn no_follow(_: &mut OpenOptions) {}

/// Checks that an open file or folder belongs to the user and that nobody else can write to it (or read a file).
#[cfg(unix)]
pub(crate) fn check_private(file: &File, path: &Path, folder: bool) -> Result<(), FileError> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = file.metadata().map_err(failed(path))?;
    let problem = |problem: String| FileError::NotPrivate { path: path.display().to_string(), problem };
    if folder != metadata.is_dir() || !folder && !metadata.is_file() {
        return Err(problem("is not a regular file or folder as expected".to_owned()));
    }
    let user = rustix::process::geteuid().as_raw();
    if metadata.uid() != user {
        return Err(problem(format!("belongs to user {}, not to you ({user})", metadata.uid())));
    }
    let forbidden = if folder { 0o022 } else { 0o077 };
    if metadata.mode() & forbidden != 0 {
        let mode = metadata.mode() & 0o777;
        let wanted = if folder { "0700" } else { "0600" };
        return Err(problem(format!(
            "has mode {mode:04o}, which gives others access: run chmod {wanted} on it"
        )));
    }
    Ok(())
}

/// On Windows the user's profile keeps other users out.
#[cfg(not(unix))]
pub(crate) fn check_private(_: &File, _: &Path, _: bool) -> Result<(), FileError> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_private_files_are_read_f_sto2_f_sto3() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/file");
        assert!(read(&path).unwrap().is_none());
        write(&path, b"secret").unwrap();
        assert_eq!(*read(&path).unwrap().unwrap(), b"secret");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        for bad in [0o640, 0o604, 0o620, 0o666] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(bad)).unwrap();
            assert!(matches!(read(&path), Err(FileError::NotPrivate { .. })), "{bad:o}");
        }
        write(&path, b"again").unwrap();
        assert_eq!(mode(&path), 0o600);
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(read(&link).is_err());
        write(&link, b"own").unwrap();
        assert_eq!(
            *read(&path).unwrap().unwrap(),
            b"again",
            "a link at the destination is replaced, not followed"
        );
        std::fs::set_permissions(path.parent().unwrap(), PermissionsExt::from_mode(0o777)).unwrap();
        assert!(matches!(write(&path, b"x"), Err(FileError::NotPrivate { .. })));
        assert!(remove(&path).unwrap());
        assert!(!remove(&path).unwrap());
    }
}
