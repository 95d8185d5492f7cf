//! Opens a config file and refuses one that other users can change. A config file says which programs run and where tokens
//! go, so who can write it matters more than what it says today.
//!
//! The owner and mode that are checked belong to the open file that is then read. If authctl checked a path and then opened
//! it, another user could exchange the file in between.

mod owner;
mod unread;
mod unsafe_file;

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

use self::owner::{check_file, check_place, is_own, is_readable_by_others};
pub use self::unread::Unread;
pub use self::unsafe_file::Unsafe;

/// A larger file is not a configuration.
const LARGEST: u64 = 4 << 20;

/// A config file that only its owner can write.
#[derive(Debug)]
pub struct GuardedFile {
    pub text: String,
    pub readable_by_others: bool,
}

/// Reads a file of the site or the user. A link is followed, so that dotfiles can be linked: the target's owner and mode
/// count, and nobody else may own the link.
pub fn read(path: &Path) -> Result<GuardedFile, Unread> {
    let (file, metadata) = open(path)?;
    check_file(&metadata, path)?;
    check_place(path)?;
    text_of(&file, &metadata)
}

/// Reads a project file; one that does not belong to the user counts as absent. Its folder does not matter: a project may
/// be shared, and its file can only select and narrow.
pub fn read_own(path: &Path) -> Result<GuardedFile, Unread> {
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

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::unsafe_file::Fix;
    use super::*;

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
