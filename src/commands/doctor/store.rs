//! The token store: where it is, whether it keeps what it is given, and whether what it holds can be read.

use std::path::Path;

use super::Examination;
use super::finding::{Finding, Topic};
use crate::commands::in_list;
use crate::error::store_hint as hint;
use crate::name::ProviderName;
use crate::ports::Folder;
use crate::store::filesystem::{self, FileSystem};
use crate::store::index::Entry;
use crate::store::key::KeySource;
use crate::store::keyring::KeyringFault;
use crate::store::maintenance::Passphrase;
use crate::store::private_file::{self, FileError};
use crate::store::record::Record;
use crate::store::{StoreChoice, StoreError, StoreKind};

const TOPIC: Topic = Topic::Store;
/// With less than this a write may fail.
const FULL: u64 = 1 << 20;
/// With less than this it soon will be.
const NEARLY_FULL: u64 = 32 << 20;
/// The name under which the kernel's keyring is tried out.
const KERNEL_TRIAL: &str = "authctl:doctor";

/// An account that is listed, with its record where that could be read.
pub(super) struct Stored {
    pub(super) provider: ProviderName,
    pub(super) entry: Entry,
    pub(super) record: Option<Record>,
}

pub(super) fn check(examination: &Examination<'_>) -> (Vec<Finding>, Vec<Stored>) {
    let mut findings = folders(examination);
    let settings = examination.invocation.config.store_settings(&*examination.invocation.system.environment);
    let is_away = settings.engine.is_some() && examination.offline;
    let asks_program = matches!(settings.key, KeySource::Command(_)) && !examination.run_commands;
    let mut usable = Vec::new();
    if is_away {
        findings.push(Finding::note(TOPIC, choice(examination), "not tried out: no server is asked"));
    } else if asks_program && settings.choice != StoreChoice::Only(StoreKind::Keyring) {
        findings.push(
            Finding::note(TOPIC, choice(examination), "not tried out: its key is printed by a program")
                .mend("authctl doctor --run-commands"),
        );
    } else {
        match examination.session.store.check() {
            Ok(trial) => {
                usable = vec![trial.kind];
                examination.store_works.set(true);
                let (write, read, delete) =
                    (trial.write.as_millis(), trial.read.as_millis(), trial.delete.as_millis());
                let what = format!(
                    "in use ({}): wrote a record in {write} ms, read it back in {read} ms, deleted it in {delete} ms",
                    choice(examination)
                );
                let finding = Finding::ok(TOPIC, trial.kind.to_string(), what);
                findings.insert(0, finding.took(trial.write + trial.read + trial.delete));
                findings.extend(open_key(examination, trial.kind, &settings.key));
                if settings.choice == StoreChoice::Auto {
                    usable = vec![StoreKind::File, trial.kind];
                }
            }
            Err(error) => findings.push(unusable(examination, &error)),
        }
    }
    let stored = accounts(examination, &usable, settings.choice, &mut findings);
    let waiting = examination.session.store.waiting();
    if !waiting.is_empty() {
        let places: Vec<String> = waiting.iter().map(|path| path.display().to_string()).collect();
        findings.push(
            Finding::warning(TOPIC, in_list(&places), "new tokens wait to be saved in their place")
                .why("the store could not be written after a refresh")
                .mend("mend the store, then run `authctl token` of the provider: it moves them home"),
        );
    }
    findings.extend(kernel(examination, &settings.key));
    (findings, stored)
}

fn choice(examination: &Examination<'_>) -> String {
    match examination.invocation.config.store_choice() {
        StoreChoice::Auto => "store = \"auto\"".to_owned(),
        StoreChoice::Only(kind) => format!("store = \"{}\"", kind.name()),
    }
}

/// Locked, absent, silent and denied are told apart (F-KR1, F-KR2): each is mended otherwise.
fn unusable(examination: &Examination<'_>, error: &StoreError) -> Finding {
    let hint = hint(error);
    let (what, why, mend): (String, Option<&str>, Option<String>) = match error {
        StoreError::Keyring(KeyringFault::Locked) => (
            "the keyring is locked".to_owned(),
            Some("it was not unlocked at login, as over SSH, or it locked itself"),
            Some("authctl store unlock".to_owned()),
        ),
        StoreError::Keyring(KeyringFault::TimedOut) => (
            "the keyring does not answer".to_owned(),
            Some("its service hangs, or it waits for its password on another screen"),
            Some("answer it, or restart its service: systemctl --user restart gnome-keyring-daemon".to_owned()),
        ),
        StoreError::Keyring(KeyringFault::Absent(_)) | StoreError::NoKeyring(_) => (
            "there is no keyring".to_owned(),
            Some("no keyring service runs in this session"),
            Some("start one, such as gnome-keyring-daemon; or set store = \"file\" in the configuration, and log in again".to_owned()),
        ),
        StoreError::Keyring(KeyringFault::Failed(reason)) => (
            format!("the keyring refused: {reason}"),
            Some("it is there, and denies access or is damaged"),
            Some("allow it in the keyring's own program, such as Seahorse or Keychain Access".to_owned()),
        ),
        StoreError::Locked if is_new(examination) => {
            return Finding::note(TOPIC, choice(examination), "no passphrase was chosen yet")
                .mend("authctl store unlock");
        }
        error => (crate::console::with_causes(error), None, hint),
    };
    let mut finding = Finding::problem(TOPIC, choice(examination), what);
    finding.why = why.map(str::to_owned);
    finding.mend = mend.or_else(|| file_mend(error));
    finding
}

fn file_mend(error: &StoreError) -> Option<String> {
    match error {
        StoreError::File(FileError::NotPrivate { path, .. }) => Some(private(Path::new(path))),
        StoreError::File(FileError::Io { path, .. }) => {
            Some(format!("check that {path} can be written by you, and that its disk is not full"))
        }
        StoreError::NotKept { .. } => {
            Some("use another store: authctl store move file, with store = \"file\"".to_owned())
        }
        _ => None,
    }
}

fn private(path: &Path) -> String {
    format!(
        "chown \"$(id -u)\" {0} && chmod {1} {0}",
        path.display(),
        if path.is_dir() { "700" } else { "600" }
    )
}

fn is_new(examination: &Examination<'_>) -> bool {
    matches!(examination.session.store.passphrase(), Ok(Some(Passphrase::ToBeChosen)))
}

/// The folders of records and keys: whose they are, who else gets at them, and what disk they are on.
fn folders(examination: &Examination<'_>) -> Vec<Finding> {
    let paths = &examination.invocation.system.paths;
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

fn open_key(examination: &Examination<'_>, kind: StoreKind, key: &KeySource) -> Option<Finding> {
    let place = examination.session.store.survey().ok()?.key_file;
    (kind == StoreKind::File && *key == KeySource::File).then(|| {
        Finding::note(TOPIC, place, "the key of the sealed files lies beside them, open")
            .why("this protects copies of the records that lack the key, and nothing more")
            .mend("set key = \"passphrase\" or key = { command = […] } in [store], then: authctl store rekey")
    })
}

fn kernel(examination: &Examination<'_>, key: &KeySource) -> Option<Finding> {
    let config = examination.invocation.config;
    let needed = *key == KeySource::Passphrase;
    if !needed && !config.caches_in_kernel() {
        return None;
    }
    let keyring = &examination.invocation.system.kernel_keyring;
    let kept = keyring.keep(KERNEL_TRIAL, b"trial", std::time::Duration::from_secs(5));
    let read = keyring.read(KERNEL_TRIAL).is_some_and(|kept| kept.as_slice() == b"trial");
    keyring.forget(KERNEL_TRIAL);
    let failed = |reason: String| {
        let what = format!("the kernel's keyring cannot be used: {reason}");
        if needed {
            Finding::problem(TOPIC, "key = \"passphrase\"", what)
                .why("a passphrase is remembered there")
                .mend("set key = \"file\" or key = { command = […] } in [store], then: authctl store rekey")
        } else {
            Finding::warning(TOPIC, "cache = \"kernel\"", what).mend("set cache = \"none\" in [store]")
        }
    };
    Some(match kept {
        Ok(()) if read => Finding::ok(TOPIC, "the kernel's keyring", "keeps what it is given"),
        Ok(()) => failed("it does not give back what it was given".to_owned()),
        Err(error) => failed(error.to_string()),
    })
}

/// Reads what is listed, from the stores that work.
fn accounts(
    examination: &Examination<'_>,
    usable: &[StoreKind],
    choice: StoreChoice,
    findings: &mut Vec<Finding>,
) -> Vec<Stored> {
    let (config, store) = (examination.invocation.config, &examination.session.store);
    let mut stored = Vec::new();
    let is_meant = |name: &ProviderName| {
        examination.whole || examination.providers.iter().any(|provider| provider.name == *name)
    };
    for provider in store.listed().unwrap_or_default().into_iter().filter(is_meant) {
        if !config.credentials.contains_key(&provider) {
            findings.push(
                Finding::note(TOPIC, provider.as_str(), "tokens are stored for it, and it is not configured")
                    .mend(format!("authctl logout {provider} --local")),
            );
        }
        for entry in store.index(&provider).unwrap_or_default().entries {
            let subject = format!("{provider} ({})", entry.account);
            let mut record = None;
            match choice {
                StoreChoice::Only(kind) if kind != entry.store && !config.opens_store(&provider) => findings
                    .push(
                        Finding::problem(TOPIC, subject, format!("it is stored in {}", entry.store))
                            .why(format!("the configuration says {}", self::choice(examination)))
                            .mend(format!("authctl store move {}", kind.name())),
                    ),
                _ if usable.contains(&entry.store) && !examination.left().is_zero() => {
                    match store.read(entry.store, &entry.name(&provider), &entry.binding) {
                        Ok(Some(found)) => record = Some(found),
                        Ok(None) => findings.push(
                            Finding::problem(
                                TOPIC,
                                subject,
                                format!("it is listed, and not in {}", entry.store),
                            )
                            .why("its record was deleted by another program, or with another home")
                            .mend(format!("authctl login {provider}")),
                        ),
                        Err(error) => {
                            let finding = unusable(examination, &error);
                            findings.push(Finding { subject, ..finding });
                        }
                    }
                }
                _ => {}
            }
            stored.push(Stored { provider: provider.clone(), entry, record });
        }
    }
    stored
}
