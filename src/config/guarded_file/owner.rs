//! Who can change a config file: by its owner and mode, and by those of every folder and link on the way to it.

#[cfg(unix)]
use std::ffi::OsString;
use std::fs::Metadata;
#[cfg(unix)]
use std::io;
use std::path::Path;
#[cfg(unix)]
use std::path::PathBuf;

use super::unread::Unread;
#[cfg(unix)]
use super::unsafe_file::{Fix, Unsafe};
#[cfg(unix)]
use crate::text::shell;
#[cfg(unix)]
use crate::text::untrusted::escaped;

/// A longer chain of links is treated as a loop.
#[cfg(unix)]
const MOST_LINKS: usize = 16;

#[cfg(unix)]
pub fn is_own(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    metadata.uid() == rustix::process::geteuid().as_raw()
}

/// On Windows a user's profile keeps other users out.
#[cfg(not(unix))]
pub fn is_own(_: &Metadata) -> bool {
    true
}

#[cfg(unix)]
pub fn is_readable_by_others(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    metadata.mode() & 0o044 != 0
}

#[cfg(not(unix))]
pub fn is_readable_by_others(_: &Metadata) -> bool {
    false
}

/// Like ssh, authctl makes no exception for a group that has only one member.
#[cfg(unix)]
pub fn check_file(metadata: &Metadata, path: &Path) -> Result<(), Unread> {
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
pub fn check_file(_: &Metadata, _: &Path) -> Result<(), Unread> {
    Ok(())
}

/// Checks who can exchange this file for another one: the owner of each link on the way to it, and every folder on that
/// way. Members of a folder's group can exchange the file only for another one that is yours alone, and many systems make
/// every folder writable by the user's own group, so the group does not matter here.
#[cfg(unix)]
pub fn check_place(path: &Path) -> Result<(), Unread> {
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
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a loop of links").into());
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
pub fn check_place(_: &Path) -> Result<(), Unread> {
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
