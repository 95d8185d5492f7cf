//! Replaces a config file completely or not at all.

use std::fs::{File, Metadata, TryLockError};
use std::io::{self, Write as _};
use std::path::Path;

use super::folder::make_folder;
#[cfg(unix)]
use super::folder::owner_in;
use super::target::{NOT_REGULAR, folder_of, target};
use crate::os::text_file::read_text;

/// The longest config file.
const LONGEST: u64 = 4 << 20;

/// Reads a config file; `None` if it does not exist. It must be a regular file, UTF-8 and not too long.
pub fn read(path: &Path) -> io::Result<Option<String>> {
    // Reading a pipe would block.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other(NOT_REGULAR));
    }
    match read_text(path, LONGEST) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces a file whose text was `before`, completely or not at all; removes it if the new text is `None`.
///
/// A link stays a link, and its target is written, even if that does not exist yet. Owner, group and mode do not change. A
/// new file is private to its owner, and below another user's folder it belongs to that user, as under sudo. After an error,
/// such as a change by another program meanwhile, the file is unchanged (F-HLP7).
pub fn replace(path: &Path, before: Option<&str>, after: Option<&str>) -> io::Result<()> {
    let path = target(path)?;
    let folder = folder_of(&path);
    make_folder(folder)?;
    let _lock = lock(folder)?;
    let found = match std::fs::symlink_metadata(&path) {
        Ok(found) => Some(found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if found.as_ref().is_some_and(|found| !found.is_file()) {
        return Err(io::Error::other(NOT_REGULAR));
    }
    let Some(after) = after else {
        check_unchanged(&path, before)?;
        return std::fs::remove_file(path);
    };
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(after.as_bytes())?;
    keep_owner(file.as_file(), found.as_ref(), folder)?;
    if let Some(found) = &found {
        file.as_file().set_permissions(found.permissions())?;
    }
    file.as_file().sync_all()?;
    check_unchanged(&path, before)?;
    file.persist(path)?;
    Ok(())
}

/// Another program may have changed the file since it was read.
fn check_unchanged(path: &Path, before: Option<&str>) -> io::Result<()> {
    if read(path)?.as_deref() == before {
        return Ok(());
    }
    Err(io::Error::other("another program has changed it meanwhile; run the command again"))
}

/// A lock on a folder until this is dropped.
struct FolderLock(File);

impl Drop for FolderLock {
    /// Closing is not enough: a child process that is starting has a copy for a moment.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// Prevents other authctl processes from changing files in this folder. The kernel releases the lock when the process ends;
/// on a file system without locks there is none.
fn lock(folder: &Path) -> io::Result<Option<FolderLock>> {
    let Ok(file) = File::open(folder) else { return Ok(None) };
    match file.try_lock() {
        Ok(()) => Ok(Some(FolderLock(file))),
        Err(TryLockError::WouldBlock) => Err(io::Error::other(
            "another authctl is changing a file in the same folder; run the command again",
        )),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

#[cfg(unix)]
fn keep_owner(file: &File, found: Option<&Metadata>, folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    if found.is_some_and(|found| found.nlink() > 1) {
        return Err(io::Error::other("it has another name (a hard link), which would keep the old text"));
    }
    let wanted = match found {
        Some(found) => Some((found.uid(), found.gid())),
        None => owner_in(folder)?,
    };
    let made = file.metadata()?;
    match wanted {
        Some((user, group)) if (user, group) != (made.uid(), made.gid()) => {
            std::os::unix::fs::fchown(file, Some(user), Some(group)).map_err(|error| {
                io::Error::new(
                    error.kind(),
                    format!("cannot keep its user {user} and group {group}: {error}"),
                )
            })
        }
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: Option<&Metadata>, _: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn another_programs_file_keeps_its_owner_and_mode_f_hlp7() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let text = |name: &str| std::fs::read_to_string(at(name)).unwrap();
        let mode = |name: &str| at(name).metadata().unwrap().permissions().mode() & 0o777;

        replace(&at("deep/er/new"), None, Some("a")).unwrap();
        assert_eq!((text("deep/er/new").as_str(), mode("deep/er/new")), ("a", 0o600));
        std::fs::set_permissions(at("deep/er/new"), PermissionsExt::from_mode(0o640)).unwrap();
        replace(&at("deep/er/new"), Some("a"), Some("b")).unwrap();
        assert_eq!((text("deep/er/new").as_str(), mode("deep/er/new")), ("b", 0o640));

        for (name, before) in [("other text", Some("a")), ("no file", None)] {
            let error = replace(&at("deep/er/new"), before, Some("c")).unwrap_err();
            assert!(error.to_string().contains("run the command again"), "{name}: {error}");
            assert!(replace(&at("deep/er/new"), before, None).is_err(), "{name}");
        }
        assert!(replace(&at("gone"), Some("a"), Some("b")).is_err(), "it has been removed");
        assert_eq!(text("deep/er/new"), "b");
        assert_eq!(std::fs::read_dir(at("deep/er")).unwrap().count(), 1, "nothing is left beside it");

        symlink("deep/er/new", at("link")).unwrap();
        symlink("link", at("chain")).unwrap();
        symlink("dotfiles/not/there", at("dangling")).unwrap();
        symlink("loop", at("loop")).unwrap();
        replace(&at("chain"), Some("b"), Some("c")).unwrap();
        replace(&at("dangling"), None, Some("d")).unwrap();
        assert_eq!((text("deep/er/new").as_str(), text("dotfiles/not/there").as_str()), ("c", "d"));
        assert!(["link", "chain", "dangling"].into_iter().all(|name| at(name).is_symlink()));
        assert!(replace(&at("loop"), None, Some("x")).is_err());
        replace(&at("dangling"), Some("d"), None).unwrap();
        assert!(at("dangling").is_symlink() && !at("dotfiles/not/there").exists());

        std::fs::hard_link(at("deep/er/new"), at("second")).unwrap();
        assert!(replace(&at("second"), Some("c"), Some("x")).unwrap_err().to_string().contains("hard link"));
        assert!(replace(&at("deep"), None, Some("x")).unwrap_err().to_string().contains("regular file"));
        assert_eq!(text("deep/er/new"), "c");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn root_keeps_the_owner_of_another_users_files_f_hlp7_as_another_user() {
        use std::os::unix::fs::{MetadataExt as _, chown};
        assert!(rustix::process::geteuid().is_root(), "run this test as root, or skip it");
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let owner = |name: &str| at(name).symlink_metadata().map(|found| (found.uid(), found.gid())).unwrap();
        std::fs::write(at("file"), "a").unwrap();
        chown(at("file"), Some(65533), Some(65532)).unwrap();
        replace(&at("file"), Some("a"), Some("b")).unwrap();
        assert_eq!(owner("file"), (65533, 65532));
        std::fs::create_dir(at("home")).unwrap();
        chown(at("home"), Some(65533), Some(65532)).unwrap();
        replace(&at("home/.aws/config"), None, Some("a")).unwrap();
        assert_eq!((owner("home/.aws"), owner("home/.aws/config")), ((65533, 65532), (65533, 65532)));
    }

    #[test]
    fn one_process_at_a_time_changes_the_files_of_a_folder_f_hlp7() {
        let folder = tempfile::tempdir().unwrap();
        let held = lock(folder.path()).unwrap();
        let error = replace(&folder.path().join("file"), None, Some("a")).unwrap_err();
        assert!(error.to_string().contains("another authctl"), "{error}");
        drop(held);
        replace(&folder.path().join("file"), None, Some("a")).unwrap();
    }
}
