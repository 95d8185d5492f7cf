//! Files of the user's that this program changes: configurations, its own and those of other programs.

use std::fs::{File, Metadata, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use similar::{ChangeTag, TextDiff};

use crate::os::text_file::read_text;
use crate::text::untrusted::escaped;

/// A configuration file is not longer.
const LONGEST: u64 = 4 << 20;
const NOT_REGULAR: &str = "it is not a regular file";
/// As many links as Linux itself follows.
const MOST_LINKS: usize = 40;

/// Reads such a file; `None` where there is none.
///
/// # Errors
/// As the system reports them; also for a file that is too long or not UTF-8.
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

/// Replaces a file whose text was `before`, completely or not at all. Without a new text, removes it.
///
/// A link stays a link, and the file that it names is written, also where that does not exist yet. Owner, group and mode stay. A
/// new file is for its owner alone, and below another user's folder it belongs to that user, as under sudo. A file that another
/// program has changed meanwhile is left as it is (F-HLP7).
///
/// # Errors
/// As the system reports them; also where something of the above cannot be kept. The file is then unchanged.
pub fn replace(path: &Path, before: Option<&str>, after: Option<&str>) -> io::Result<()> {
    let path = target(path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
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

/// The file that a path names in the end. Unlike `canonicalize`, this also follows a link to a file that does not exist.
fn target(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let is_link = std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink());
        if !is_link {
            return Ok(path);
        }
        let named = std::fs::read_link(&path)?;
        path = path.parent().unwrap_or(Path::new("")).join(named);
    }
    Err(io::Error::other("it is a link that leads back to itself"))
}

/// Between reading a file and replacing it, another program may have changed it.
fn check_unchanged(path: &Path, before: Option<&str>) -> io::Result<()> {
    if read(path)?.as_deref() == before {
        return Ok(());
    }
    Err(io::Error::other("another program has changed it meanwhile; run the command again"))
}

/// A lock on a folder, until this is dropped.
struct FolderLock(File);

impl Drop for FolderLock {
    /// Closing is not enough: a child process that is starting holds a copy for a moment.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// Keeps other processes of authctl from changing files of this folder. The kernel drops the lock with the process; a file
/// system without locks has none.
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

/// Makes a folder and those above it. Below another user's folder they belong to that user, as under sudo.
///
/// # Errors
/// As the system reports them.
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

/// The user and group that root gives a new file in a folder: those of the folder, if it is another user's.
#[cfg(unix)]
fn owner_in(folder: &Path) -> io::Result<Option<(u32, u32)>> {
    use std::os::unix::fs::MetadataExt as _;
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let found = std::fs::metadata(folder)?;
    Ok((found.uid() != 0).then(|| (found.uid(), found.gid())))
}

/// Gives what was just made to the owner of the folder that it is in. A link itself is given, not what it names.
///
/// # Errors
/// As the system reports them.
#[cfg(unix)]
pub fn own_like_folder(path: &Path) -> io::Result<()> {
    match owner_in(path.parent().unwrap_or(Path::new("")))? {
        Some((user, group)) => std::os::unix::fs::lchown(path, Some(user), Some(group)),
        None => Ok(()),
    }
}

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
    /// Looks whose file it is; of a new file, whose the folder is. Returns `None` if nothing needs to be restored.
    ///
    /// # Errors
    /// As the system reports them; also for what is not a regular file, which the other program could wait for forever.
    pub fn of(path: &Path) -> io::Result<Option<Self>> {
        use std::os::unix::fs::MetadataExt as _;
        let path = target(path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let owner = match std::fs::metadata(&path) {
            Ok(found) if !found.is_file() => return Err(io::Error::other(NOT_REGULAR)),
            Ok(found) => Some((found.uid(), found.gid())),
            // The other program makes the folder, too.
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

    /// Gives the file back to its owner, if the other program has made it root's. It is looked up in the same folder as
    /// before, and no link is followed: the owner could otherwise be given any file of root's.
    ///
    /// # Errors
    /// As the system reports them.
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

/// On Windows, a file's owner does not change.
#[cfg(not(unix))]
pub struct Owner;

#[cfg(not(unix))]
impl Owner {
    /// Looks whether it is a regular file, if it exists.
    ///
    /// # Errors
    /// For what is not a regular file.
    pub fn of(path: &Path) -> io::Result<Option<Self>> {
        match std::fs::metadata(path) {
            Ok(found) if !found.is_file() => Err(io::Error::other(NOT_REGULAR)),
            _ => Ok(None),
        }
    }

    /// Does nothing.
    ///
    /// # Errors
    /// None.
    pub fn restore(&self) -> io::Result<()> {
        Ok(())
    }
}

/// On Windows, new files already belong to the right user.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn own_like_folder(_: &Path) -> io::Result<()> {
    Ok(())
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
                    format!("it belongs to user {user} and group {group}, which cannot be kept: {error}"),
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

/// Only the lines that change, each with its sign: those around them may hold secrets.
pub fn changed_lines(before: &str, after: &str) -> String {
    let difference = TextDiff::from_lines(before, after);
    let mut text = String::new();
    for change in difference.iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Equal => continue,
            ChangeTag::Delete => "-",
            ChangeTag::Insert => "+",
        };
        let line = change.value().trim_end_matches('\n').replace('\t', "    ");
        text.push_str(&format!("  {sign} {}\n", escaped(&line)));
    }
    text
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

    #[test]
    fn only_changed_lines_are_shown_f_hlp4() {
        assert_eq!(changed_lines("secret = 1\na\n", "secret = 1\nb\n"), "  - a\n  + b\n");
        assert_eq!(changed_lines("a\n", "a\n"), "");
    }
}
