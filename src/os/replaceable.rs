//! Whether another user of the machine could replace a program (F-URL4).

use std::path::{Path, PathBuf};

use crate::text::shell;

/// How another user could replace a program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Replaceable {
    #[error("everybody can write to {}; run `chmod o-w {}`", .0.display(), word(.0))]
    World(PathBuf),
    #[error("the members of group {} can write to {}; run `chmod g-w {}`", .1, .0.display(), word(.0))]
    Group(PathBuf, u32),
    /// Everybody can create files in the folder, as in `/tmp`.
    #[error("everybody can put programs into {path}; move the program to a folder that only you can write to", path = .0.display())]
    Shared(PathBuf),
    #[error("{path} belongs to user {1}; use a program that belongs to you or root", path = .0.display())]
    Owner(PathBuf, u32),
}

fn word(path: &Path) -> String {
    shell::word(&path.display().to_string())
}

/// How another user could replace a program: through its file, a folder above it, or a link to it.
#[cfg(unix)]
pub fn of_program(program: &Path) -> Option<Replaceable> {
    let mut path = program.to_owned();
    for _ in 0..MOST_LINKS {
        let folder = path.parent()?;
        if let Some(how) = of_folder(folder) {
            return Some(how);
        }
        match std::fs::read_link(&path) {
            Ok(target) => path = folder.join(target),
            Err(_) => break,
        }
    }
    of_entry(&path, &std::fs::metadata(&path).ok()?)
}

#[cfg(unix)]
pub fn of_folder(folder: &Path) -> Option<Replaceable> {
    use std::os::unix::fs::MetadataExt as _;
    let canonical = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let above = folder.ancestors().skip(1).chain(canonical.ancestors().skip(1));
    let itself = std::fs::metadata(folder).ok().and_then(|metadata| {
        let how = of_entry(folder, &metadata)?;
        let is_shared = metadata.mode() & STICKY != 0 && matches!(how, Replaceable::World(_));
        Some(if is_shared { Replaceable::Shared(folder.to_owned()) } else { how })
    });
    itself.or_else(|| above.filter_map(of_folder_above).next())
}

/// How another user could replace a folder's contents. In a sticky folder, only an entry's owner can replace it.
#[cfg(unix)]
fn of_folder_above(folder: &Path) -> Option<Replaceable> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(folder).ok()?;
    match of_entry(folder, &metadata) {
        Some(Replaceable::World(_) | Replaceable::Group(..)) if metadata.mode() & STICKY != 0 => None,
        how => how,
    }
}

#[cfg(unix)]
fn of_entry(path: &Path, metadata: &std::fs::Metadata) -> Option<Replaceable> {
    use std::os::unix::fs::MetadataExt as _;
    let user = rustix::process::geteuid().as_raw();
    let (owner, group, mode) = (metadata.uid(), metadata.gid(), metadata.mode());
    if owner != user && owner != 0 && !may_stand_for_root(owner) {
        return Some(Replaceable::Owner(path.to_owned(), owner));
    }
    if mode & 0o002 != 0 {
        return Some(Replaceable::World(path.to_owned()));
    }
    // Administrators can become root anyway, and Homebrew's folders belong to their group.
    let is_administrators = cfg!(target_os = "macos") && group == 80;
    let is_shared = mode & 0o020 != 0 && group != 0 && !is_administrators && {
        let read =
            |path: &str| crate::os::text_file::read_text(Path::new(path), LONGEST_LIST).unwrap_or_default();
        has_others(group, user, &read("/etc/passwd"), &read("/etc/group"))
    };
    is_shared.then(|| Replaceable::Group(path.to_owned(), group))
}

/// In a user namespace, all users outside of it have the same number, including root.
#[cfg(target_os = "linux")]
fn may_stand_for_root(user: u32) -> bool {
    crate::os::users::may_stand_for_another(user)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn may_stand_for_root(_: u32) -> bool {
    false
}

/// Whether a group has members other than a user and root, by passwd(5) and group(5). Many distributions give every
/// user their own group, and let it write the user's files.
#[cfg(unix)]
fn has_others(group: u32, user: u32, users: &str, groups: &str) -> bool {
    let number = |text: Option<&&str>| text.and_then(|text| text.parse::<u32>().ok());
    let accounts: Vec<Vec<&str>> = users.lines().map(|line| line.split(':').collect()).collect();
    let is_other =
        |account: &&Vec<&str>| !matches!(number(account.get(2)), Some(found) if found == user || found == 0);
    let by_account = accounts.iter().filter(is_other).any(|account| number(account.get(3)) == Some(group));
    let is_known_as_other = |name: &str| {
        let known = accounts.iter().find(|account| account.first() == Some(&name));
        known.is_none_or(|account| is_other(&account))
    };
    by_account
        || groups.lines().map(|line| line.split(':').collect::<Vec<_>>()).any(|line| {
            number(line.get(2)) == Some(group)
                && line.get(3).is_some_and(|members| {
                    members.split(',').any(|member| !member.is_empty() && is_known_as_other(member))
                })
        })
}

#[cfg(unix)]
const STICKY: u32 = 0o1000;
/// The kernel does not follow more links either.
#[cfg(unix)]
const MOST_LINKS: usize = 40;
/// The most bytes of a list of users or groups.
#[cfg(unix)]
const LONGEST_LIST: u64 = 4 << 20;

/// Windows stores write access in access control lists, which authctl does not examine.
#[cfg(not(unix))]
pub fn of_program(_: &Path) -> Option<Replaceable> {
    None
}

/// Windows stores write access in access control lists, which authctl does not examine.
#[cfg(not(unix))]
pub fn of_folder(_: &Path) -> Option<Replaceable> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn other_members_of_a_group_are_found_f_url4() {
        let users = "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n\
                     bob:x:1001:1001::/home/bob:/bin/sh\ncarol:x:1002:100::/home/carol:/bin/sh\n";
        let groups = "root:x:0:\nstaff:x:50:\nadmin:x:80:root,alice\nteam:x:90:alice,bob\nldap:x:91:dave\n\
                      users:x:100:\nalice:x:1000:\nbob:x:1001:\n";
        for (name, group, want) in [
            ("the user's own", 1000, false),
            ("nobody's", 50, false),
            ("the user's and root's", 80, false),
            ("a team's", 90, true),
            ("somebody's who is known elsewhere", 91, true),
            ("another user's first", 100, true),
            ("another user's own", 1001, true),
            ("unknown", 4711, false),
        ] {
            assert_eq!(has_others(group, 1000, users, groups), want, "{name}");
        }
    }

    #[test]
    fn every_way_to_replace_a_program_is_found_f_url4() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        let set =
            |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        let (folder, elsewhere) = (home.join("above/bin"), home.join("elsewhere"));
        for folder in [&folder, &elsewhere] {
            std::fs::create_dir_all(folder).unwrap();
        }
        let (program, link) = (folder.join("program"), elsewhere.join("link"));
        std::fs::write(&program, "").unwrap();
        std::os::unix::fs::symlink("../above/bin/program", &link).unwrap();
        let reset = || {
            for (path, mode) in
                [(&program, 0o755), (&folder, 0o755), (&home.join("above"), 0o755), (&elsewhere, 0o755)]
            {
                set(path, mode);
            }
        };
        for (name, path, mode, asked, want) in [
            ("nothing", &program, 0o755, &program, None),
            ("nothing, by a link", &program, 0o755, &link, None),
            ("the file", &program, 0o777, &program, Some(Replaceable::World(program.clone()))),
            ("its folder", &folder, 0o777, &program, Some(Replaceable::World(folder.clone()))),
            ("its sticky folder", &folder, 0o1777, &program, Some(Replaceable::Shared(folder.clone()))),
            (
                "a folder above",
                &home.join("above"),
                0o777,
                &program,
                Some(Replaceable::World(home.join("above"))),
            ),
            ("a sticky folder above", &home.join("above"), 0o1777, &program, None),
            ("the link's folder", &elsewhere, 0o777, &link, Some(Replaceable::World(elsewhere.clone()))),
            (
                "the target's folder",
                &folder,
                0o777,
                &link,
                Some(Replaceable::World(elsewhere.join("../above/bin"))),
            ),
        ] {
            reset();
            set(path, mode);
            assert_eq!(of_program(asked), want, "{name}");
        }
    }
}
