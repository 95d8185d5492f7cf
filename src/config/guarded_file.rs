//! Opens a config file and refuses one that other users can change. A config file says which programs run and where tokens
//! go, so who can write it matters more than what it says today.
//!
//! The owner and mode that are checked belong to the open file that is then read. If authctl checked a path and then opened
//! it, another user could exchange the file in between.

#[cfg(unix)]
use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;
#[cfg(unix)]
use std::path::PathBuf;

use crate::schema::{Origin, Problem};
use crate::text::shell;
use crate::text::untrusted::escaped;

/// A larger file is not a configuration.
const LARGEST: u64 = 4 << 20;
/// A longer chain of links is treated as a loop.
#[cfg(unix)]
const MOST_LINKS: usize = 16;

/// A config file that only its owner can write.
#[derive(Debug)]
pub(super) struct GuardedFile {
    /// What it says.
    pub text: String,
    /// Whether other users can read it.
    pub readable_by_others: bool,
}

/// Why a config file is not read.
#[cfg_attr(not(unix), allow(dead_code, reason = "only Unix has owners and modes"))]
#[derive(Debug)]
pub(super) enum Unread {
    /// There is no such file.
    Absent,
    /// The system did not let us read it.
    Io(io::Error),
    /// Other users can change it.
    Unsafe(Unsafe),
}

/// How other users can change a config file, and how to stop them.
#[cfg_attr(not(unix), allow(dead_code, reason = "only Unix has owners and modes"))]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unsafe {
    /// What is wrong, to be read after the file's path.
    pub reason: String,
    /// What to do.
    pub fix: Fix,
}

/// What stops other users from changing a config file.
#[cfg_attr(not(unix), allow(dead_code, reason = "only Unix has owners and modes"))]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fix {
    /// Run this command, which accepts the file's current contents.
    Command(String),
    /// Do this; no single command does it.
    Words(&'static str),
}

impl Fix {
    /// The command, where one fixes it.
    #[must_use]
    pub fn command(&self) -> Option<&str> {
        if let Self::Command(command) = self { Some(command) } else { None }
    }

    fn hint(&self) -> String {
        match self {
            Self::Command(command) => format!("check its contents, then run `{command}`"),
            Self::Words(words) => (*words).to_owned(),
        }
    }
}

impl Unsafe {
    /// The problem to report for the file at `path`.
    #[must_use]
    pub fn problem(self, path: &Path) -> Problem {
        let path = escaped(&path.display().to_string());
        Problem::new(format!("{path} {}", self.reason), &Origin::Default).hint(self.fix.hint())
    }
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound { Self::Absent } else { Self::Io(error) }
    }
}

/// Reads a file of the site or the user. A link is followed, so that dotfiles can be linked: the target's owner and mode
/// count, and nobody else may own the link.
pub(super) fn read(path: &Path) -> Result<GuardedFile, Unread> {
    let (file, metadata) = open(path)?;
    check_file(&metadata, path)?;
    check_place(path)?;
    text_of(&file, &metadata)
}

/// Reads a project's file; one that does not belong to the user counts as absent. Its folder does not matter: a project may
/// be shared, and its file can only select and narrow.
pub(super) fn read_own(path: &Path) -> Result<GuardedFile, Unread> {
    let (file, metadata) = open(path)?;
    if !is_own(&metadata) {
        return Err(Unread::Absent);
    }
    check_file(&metadata, path)?;
    text_of(&file, &metadata)
}

fn text_of(file: &File, metadata: &Metadata) -> Result<GuardedFile, Unread> {
    let mut text = String::with_capacity(usize::try_from(metadata.len().min(LARGEST)).unwrap_or(0) + 1);
    let length = file.take(LARGEST + 1).read_to_string(&mut text)?;
    if length as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too large").into());
    }
    Ok(GuardedFile { text, readable_by_others: is_readable_by_others(metadata) })
}

/// Opens without waiting: a named pipe would keep authctl until somebody writes into it.
fn open(path: &Path) -> Result<(File, Metadata), Unread> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file").into());
    }
    Ok((file, metadata))
}

#[cfg(unix)]
fn is_own(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    metadata.uid() == rustix::process::geteuid().as_raw()
}

/// On Windows a user's profile keeps other users out.
#[cfg(not(unix))]
fn is_own(_: &Metadata) -> bool {
    true
}

#[cfg(unix)]
fn is_readable_by_others(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    metadata.mode() & 0o044 != 0
}

#[cfg(not(unix))]
fn is_readable_by_others(_: &Metadata) -> bool {
    false
}

/// Like ssh, authctl makes no exception for a group that has only one member.
#[cfg(unix)]
fn check_file(metadata: &Metadata, path: &Path) -> Result<(), Unread> {
    use std::os::unix::fs::MetadataExt as _;
    let word = shell::word(&path.display().to_string());
    let chmod = (metadata.mode() & 0o022 != 0).then(|| format!("chmod go-w {word}"));
    let is_known = is_trusted(metadata.uid());
    let (reason, command) = if is_known || chmod.is_none() && may_stand_for_root(metadata.uid()) {
        let Some(chmod) = chmod else { return Ok(()) };
        ("can be written by others".to_owned(), chmod)
    } else {
        let chown = format!("sudo chown {} {word}", rustix::process::geteuid().as_raw());
        let both = chmod.map_or_else(|| chown.clone(), |chmod| format!("{chown} && {chmod}"));
        (format!("belongs to user {}, neither to you nor to root", metadata.uid()), both)
    };
    Err(Unread::Unsafe(Unsafe { reason, fix: Fix::Command(command) }))
}

#[cfg(not(unix))]
fn check_file(_: &Metadata, _: &Path) -> Result<(), Unread> {
    Ok(())
}

/// Checks who can exchange this file for another one: the owner of each link on the way to it, and every folder on that
/// way. Members of a folder's group can exchange the file only for another one that is yours alone, and many systems make
/// every folder writable by the user's own group, so the group does not matter here.
#[cfg(unix)]
fn check_place(path: &Path) -> Result<(), Unread> {
    use std::os::unix::fs::MetadataExt as _;
    let path = std::path::absolute(path)?;
    let mut place = PathBuf::from("/");
    let mut names = Vec::new();
    let mut links = 0;
    add_names(&mut names, &path);
    check_folder(&place, &std::fs::symlink_metadata(&place)?)?;
    while let Some(name) = names.pop() {
        if name == ".." {
            place.pop();
            continue;
        }
        let found = place.join(&name);
        let metadata = std::fs::symlink_metadata(&found)?;
        if metadata.is_symlink() {
            links += 1;
            if links > MOST_LINKS {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a link in a circle").into());
            }
            if !is_trusted(metadata.uid()) && !may_stand_for_root(metadata.uid()) {
                return Err(Unread::Unsafe(Unsafe {
                    reason: format!("is reached by a link of user {}: {}", metadata.uid(), shown(&found)),
                    fix: Fix::Words("link to it from your own folder"),
                }));
            }
            let target = std::fs::read_link(&found)?;
            if target.is_absolute() {
                place = PathBuf::from("/");
            }
            add_names(&mut names, &target);
        } else if metadata.is_dir() {
            check_folder(&found, &metadata)?;
            place = found;
        }
    }
    Ok(())
}

/// Puts the names of a path before those that are still to be walked, of which the last is the next.
#[cfg(unix)]
fn add_names(names: &mut Vec<OsString>, path: &Path) {
    use std::path::Component;
    let walked =
        path.components().rev().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    names.extend(walked.map(|part| part.as_os_str().to_owned()));
}

#[cfg(not(unix))]
fn check_place(_: &Path) -> Result<(), Unread> {
    Ok(())
}

#[cfg(unix)]
fn check_folder(folder: &Path, metadata: &Metadata) -> Result<(), Unread> {
    use std::os::unix::fs::MetadataExt as _;
    const STICKY: u32 = 0o1000;
    let (owner, mode) = (metadata.uid(), metadata.mode());
    // Kubernetes mounts config maps read-only in folders of mode 0777.
    let is_guarded = |writers| mode & writers == 0 || mode & STICKY != 0 || is_read_only(folder);
    let is_accepted = is_trusted(owner) || may_stand_for_root(owner) && is_guarded(0o022);
    if !is_accepted {
        return Err(Unread::Unsafe(Unsafe {
            reason: format!("is in a folder of user {owner}: {}", shown(folder)),
            fix: Fix::Words("move it into your own folder"),
        }));
    }
    if is_guarded(0o002) {
        return Ok(());
    }
    Err(Unread::Unsafe(Unsafe {
        reason: format!("is in a folder that can be written by others: {}", shown(folder)),
        fix: Fix::Command(format!("chmod o-w {}", shell::word(&folder.display().to_string()))),
    }))
}

#[cfg(unix)]
fn is_read_only(folder: &Path) -> bool {
    let flags = rustix::fs::statvfs(folder).map(|found| found.f_flag);
    flags.is_ok_and(|flags| flags.contains(rustix::fs::StatVfsMountFlags::RDONLY))
}

#[cfg(unix)]
fn is_trusted(owner: u32) -> bool {
    owner == 0 || owner == rustix::process::geteuid().as_raw()
}

/// In a user namespace, root's files and those of every other user outside of it have the same owner. A file that nobody
/// else may write is read there, because most of them are the system's.
#[cfg(target_os = "linux")]
fn may_stand_for_root(owner: u32) -> bool {
    crate::os::users::may_stand_for_another(owner)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn may_stand_for_root(_: u32) -> bool {
    false
}

#[cfg(unix)]
fn shown(path: &Path) -> String {
    escaped(&path.display().to_string())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[expect(clippy::unwrap_used, reason = "a test may fail")]
    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }

    fn refusal(path: &Path) -> Option<Unsafe> {
        let read = read(path);
        assert!(!matches!(read, Err(Unread::Io(_) | Unread::Absent)), "{read:?}");
        if let Err(Unread::Unsafe(refusal)) = read { Some(refusal) } else { None }
    }

    #[test]
    fn a_file_that_the_group_or_everybody_can_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it's mine.toml");
        std::fs::write(&path, "").unwrap();
        for (mode, is_refused) in [
            (0o600, false),
            (0o644, false),
            (0o400, false),
            (0o620, true),
            (0o602, true),
            (0o664, true),
            (0o666, true),
            (0o622, true),
        ] {
            set_mode(&path, mode);
            let refusal = refusal(&path);
            assert_eq!(refusal.is_some(), is_refused, "{mode:o}");
            if let Some(refusal) = refusal {
                assert!(refusal.reason.contains("can be written by others"), "{mode:o}");
                let command = format!("chmod go-w '{}/it'\\''s mine.toml'", folder.path().display());
                assert_eq!(refusal.fix, Fix::Command(command), "{mode:o}");
            }
        }
    }

    #[test]
    fn a_link_is_followed_and_its_target_counts() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        let (link, second) = (folder.path().join("link"), folder.path().join("second"));
        std::fs::write(&target, "text").unwrap();
        set_mode(&target, 0o600);
        symlink("target", &link).unwrap();
        symlink(&link, &second).unwrap();
        assert_eq!(read(&second).unwrap().text, "text");
        set_mode(&target, 0o606);
        assert!(refusal(&second).is_some());
        std::fs::remove_file(&target).unwrap();
        assert!(matches!(read(&second), Err(Unread::Absent)), "a dangling link is an absent file");
        symlink("second", &target).unwrap();
        assert!(matches!(read(&second), Err(Unread::Io(_))), "a circle ends");
    }

    #[test]
    fn a_folder_that_everybody_can_write_is_refused_unless_it_is_sticky() {
        let folder = tempfile::tempdir().unwrap();
        let (inner, outer) = (folder.path().join("inner"), folder.path().join("outer"));
        std::fs::create_dir(&inner).unwrap();
        std::fs::create_dir(&outer).unwrap();
        let path = inner.join("file");
        std::fs::write(&path, "").unwrap();
        set_mode(&path, 0o600);
        symlink(&path, outer.join("link")).unwrap();
        for (mode, is_refused) in
            [(0o700, false), (0o775, false), (0o777, true), (0o703, true), (0o1777, false)]
        {
            set_mode(&inner, mode);
            assert_eq!(refusal(&path).is_some(), is_refused, "{mode:o}");
            assert_eq!(refusal(&outer.join("link")).is_some(), is_refused, "{mode:o}, through a link");
        }
        set_mode(&inner, 0o700);
        set_mode(&outer, 0o777);
        assert!(refusal(&outer.join("link")).is_some(), "the link can be exchanged");
        assert!(refusal(&path).is_none());
    }

    /// F-BIND7
    #[test]
    fn every_folder_above_the_file_and_above_its_links_counts() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let (home, elsewhere) = (folder.join("home"), folder.join("elsewhere"));
        for inner in [home.join("config/authctl"), elsewhere.join("dotfiles/authctl")] {
            std::fs::create_dir_all(&inner).unwrap();
            std::fs::write(inner.join("file"), "").unwrap();
            set_mode(&inner.join("file"), 0o600);
        }
        let plain = home.join("config/authctl/file");
        // The link is a folder on the way, and leads to its target by another link.
        symlink("../elsewhere/second", home.join("link")).unwrap();
        symlink(elsewhere.join("dotfiles"), elsewhere.join("second")).unwrap();
        let linked = home.join("config/../link/authctl/file");
        assert!(refusal(&plain).is_none() && refusal(&linked).is_none());
        for (name, changed, path) in [
            ("the home", &home, &plain),
            ("the folder below", &home.join("config"), &plain),
            ("the home of the link", &home, &linked),
            ("the folder of the second link", &elsewhere, &linked),
            ("the target", &elsewhere.join("dotfiles"), &linked),
        ] {
            for (mode, is_refused) in [(0o777, true), (0o1777, false), (0o775, false), (0o755, false)] {
                set_mode(changed, mode);
                let refusal = refusal(path);
                assert_eq!(refusal.is_some(), is_refused, "{name}: {mode:o}");
                if let Some(refusal) = refusal {
                    let command = format!("chmod o-w {}", changed.display());
                    assert_eq!(refusal.fix, Fix::Command(command), "{name}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_a_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read(folder.path()), Err(Unread::Io(_))));
        #[cfg(target_os = "linux")]
        {
            let pipe = folder.path().join("pipe");
            let mode = rustix::fs::Mode::from(0o600);
            rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
            assert!(matches!(read(&pipe), Err(Unread::Io(_))));
        }
    }
}
