//! The disk under the token store: whose its folders are, who else gets at them, and what kind of disk it is.

use std::path::Path;

use super::examination::Examination;
use super::finding::{Finding, Topic};
use crate::os::filesystem;
use crate::os::filesystem::FileSystem;
use crate::os::private_file;
use crate::os::private_file::FileError;
use crate::ports::Folder;

const TOPIC: Topic = Topic::Store;
/// With less than this a write may fail.
const FULL: u64 = 1 << 20;
/// With less than this it soon will be.
const NEARLY_FULL: u64 = 32 << 20;

pub(super) fn check(examination: &Examination<'_>) -> Vec<Finding> {
    let paths = &examination.app.system.paths;
    let mut findings = Vec::new();
    let state = match paths.folder(Folder::State) {
        Ok(state) => state,
        Err(error) => {
            findings.push(Finding::problem(TOPIC, "", error.to_string()).mend("export HOME=…"));
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
                    .why("it is not read as long as others may have changed or read it")
                    .mend(private(&path)),
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
                .mend("mount it for writing, or set XDG_STATE_HOME to a folder that can be written"),
        );
    } else if found.free < FULL {
        findings.push(
            Finding::problem(TOPIC, place(), "its disk is full")
                .why("refreshed tokens could not be saved")
                .mend("make room on it"),
        );
    } else if found.free < NEARLY_FULL {
        findings.push(
            Finding::warning(TOPIC, place(), format!("its disk has {} MiB left", found.free >> 20))
                .mend("make room on it"),
        );
    }
    if let Some(network) = found.network {
        findings.push(
            Finding::warning(TOPIC, place(), format!("it is on a network file system ({network})"))
                .why("locks may not hold between machines there, so that two may use one refresh token")
                .mend("set XDG_STATE_HOME to a folder of this machine, or share the store by etcd or Vault"),
        );
    }
    findings
}

/// The commands that make a file or folder the user's alone.
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
            ("full", FileSystem { free: 0, ..good }, Some(("problem", "is full", "make room"))),
            ("nearly", FileSystem { free: 2 << 20, ..good }, Some(("warning", "2 MiB left", "make room"))),
            (
                "another machine's",
                FileSystem { network: Some("NFS"), ..good },
                Some(("warning", "(NFS)", "etcd or Vault")),
            ),
        ] {
            let findings = disk(Path::new("/x"), found);
            let told = findings.first().map(|finding| (finding.severity.name(), finding.what.as_str()));
            assert_eq!(findings.len(), usize::from(want.is_some()), "{name}");
            if let (Some((severity, what)), Some((want, said, mend))) = (told, want) {
                assert!(severity == want && what.contains(said), "{name}: {what}");
                assert!(findings[0].mend.as_deref().unwrap_or_default().contains(mend), "{name}");
            }
        }
    }
}
