//! Checks the token store's folders: their owner and permissions, and the file system that they are on.

use std::path::Path;

use super::examination::Examination;
use super::finding::{Finding, Topic};
use crate::os::filesystem;
use crate::os::filesystem::FileSystem;
use crate::os::private_file;
use crate::os::private_file::FileError;
use crate::ports::Folder;

const TOPIC: Topic = Topic::Store;
/// With less free space than this, a write may fail.
const FULL: u64 = 1 << 20;
/// With less free space than this, the disk will soon be full.
const NEARLY_FULL: u64 = 32 << 20;

pub(super) fn check(examination: &Examination<'_>) -> Vec<Finding> {
    let paths = &examination.app.system.paths;
    let mut findings = Vec::new();
    let state = match paths.folder(Folder::State) {
        Ok(state) => state,
        Err(error) => {
            findings.push(Finding::problem(TOPIC, "", error.to_string()).fix("export HOME=…"));
            return findings;
        }
    };
    findings.extend(filesystem::of(&state).into_iter().flat_map(|found| disk(&state, found)));
    let data = paths.folder(Folder::Data).ok();
    let mut files: Vec<_> = data.iter().map(|folder| folder.join("store.key")).collect();
    for folder in [state.join("records"), state.join("index")] {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
        files.extend(entries.filter(|path| path.extension().is_some_and(|ending| ending != "lock")));
    }
    let folders = [state.clone(), state.join("records"), state.join("index")].into_iter().chain(data);
    let of_folders =
        folders.filter(|folder| folder.exists()).map(|folder| (private_file::check_folder(&folder), folder));
    let of_files = files.into_iter().map(|file| (private_file::read(&file).map(drop), file));
    for (checked, path) in of_folders.chain(of_files) {
        if let Err(FileError::NotPrivate { problem, .. }) = checked {
            findings.push(
                Finding::problem(TOPIC, path.display().to_string(), problem)
                    .why("authctl does not read it while others can change or read it")
                    .fix(private(&path)),
            );
        }
    }
    findings
}

fn disk(folder: &Path, found: FileSystem) -> Vec<Finding> {
    let place = || folder.display().to_string();
    let mut findings = Vec::new();
    if found.read_only {
        findings.push(
            Finding::problem(TOPIC, place(), "its file system is read-only")
                .why("refreshed tokens could not be saved")
                .fix("remount it read-write, or set XDG_STATE_HOME to a writable folder"),
        );
    } else if found.free < FULL {
        findings.push(
            Finding::problem(TOPIC, place(), "its disk is full")
                .why("refreshed tokens could not be saved")
                .fix("free some space"),
        );
    } else if found.free < NEARLY_FULL {
        findings.push(
            Finding::warning(TOPIC, place(), format!("its disk has {} MiB left", found.free >> 20))
                .fix("free some space"),
        );
    }
    if let Some(network) = found.network {
        findings.push(
            Finding::warning(TOPIC, place(), format!("it is on a network file system ({network})"))
                .why("locks may not work between machines there, so two machines may use the same refresh token")
                .fix("set XDG_STATE_HOME to a local folder, or use etcd or Vault as a shared store"),
        );
    }
    findings
}

/// Returns commands that make a file or folder private to the user.
pub(super) fn private(path: &Path) -> String {
    format!(
        "chown \"$(id -u)\" {0} && chmod {1} {0}",
        path.display(),
        if path.is_dir() { "700" } else { "600" }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_disk_is_like() {
        let good = FileSystem { network: None, read_only: false, free: 1 << 30 };
        for (name, found, want) in [
            ("good", good, None),
            (
                "read-only",
                FileSystem { read_only: true, ..good },
                Some(("problem", "read-only", "XDG_STATE_HOME")),
            ),
            ("full", FileSystem { free: 0, ..good }, Some(("problem", "is full", "free some space"))),
            (
                "nearly",
                FileSystem { free: 2 << 20, ..good },
                Some(("warning", "2 MiB left", "free some space")),
            ),
            (
                "another machine's",
                FileSystem { network: Some("NFS"), ..good },
                Some(("warning", "(NFS)", "etcd or Vault")),
            ),
        ] {
            let findings = disk(Path::new("/x"), found);
            let found = findings.first().map(|finding| (finding.severity.name(), finding.what.as_str()));
            assert_eq!(findings.len(), usize::from(want.is_some()), "{name}");
            if let (Some((severity, what)), Some((want, said, fix))) = (found, want) {
                assert!(severity == want && what.contains(said), "{name}: {what}");
                assert!(findings[0].fix.as_deref().unwrap_or_default().contains(fix), "{name}");
            }
        }
    }
}
