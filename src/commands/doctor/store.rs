//! Checks the token store: whether a test record can be written and read, and whether all stored records can be read.

use std::path::Path;

use super::disk;
use super::examination::Examination;
use super::finding::{Finding, Topic};
use crate::advice::Advise;
use crate::name::ProviderName;
use crate::os::private_file::FileError;
use crate::store::index::Entry;
use crate::store::keyring::fault::KeyringFault;
use crate::store::record::Record;
use crate::store::sealed::key_source::KeySource;
use crate::store::survey::Passphrase;
use crate::store::{StoreChoice, StoreError, StoreKind};

const TOPIC: Topic = Topic::Store;
/// The name of the test key in the kernel's keyring.
const KERNEL_TEST: &str = "authctl:doctor";

/// A listed account, with its record if that is readable.
pub(super) struct Stored {
    pub(super) provider: ProviderName,
    pub(super) entry: Entry,
    pub(super) record: Option<Record>,
}

pub(super) fn check(examination: &Examination<'_>) -> (Vec<Finding>, Vec<Stored>) {
    let mut findings = disk::check(examination);
    let settings = examination.app.config.store_settings(&*examination.app.system.environment);
    let is_away = settings.shared.is_some() && examination.offline;
    let asks_program = matches!(settings.key, KeySource::Command(_)) && !examination.run_commands;
    let mut usable = Vec::new();
    if is_away {
        findings.push(Finding::note(TOPIC, choice(examination), "not checked: --offline"));
    } else if asks_program && settings.choice != StoreChoice::Only(StoreKind::Keyring) {
        findings.push(
            Finding::note(TOPIC, choice(examination), "not checked: a program prints its key")
                .fix("authctl doctor --run-commands"),
        );
    } else {
        match examination.store.check() {
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
    let waiting = examination.store.rescued_files();
    if !waiting.is_empty() {
        let places: Vec<String> = waiting.iter().map(|path| path.display().to_string()).collect();
        findings.push(
            Finding::warning(TOPIC, places.join(", "), "new tokens have not been moved to the store yet")
                .why("authctl could not write to the store after a refresh")
                .fix("fix the store, then run `authctl token` for the provider, which moves them"),
        );
    }
    findings.extend(kernel(examination, &settings.key));
    (findings, stored)
}

fn choice(examination: &Examination<'_>) -> String {
    match examination.app.config.store_choice() {
        StoreChoice::Auto => "store = \"auto\"".to_owned(),
        StoreChoice::Only(kind) => format!("store = \"{}\"", kind.name()),
    }
}

/// Distinguishes locked, absent, unresponsive and denied keyrings (F-KR1, F-KR2), because each needs another fix.
fn unusable(examination: &Examination<'_>, error: &StoreError) -> Finding {
    let hint = error.hint();
    let (what, why, fix): (String, Option<&str>, Option<String>) = match error {
        StoreError::Keyring(KeyringFault::Locked) => (
            "the keyring is locked".to_owned(),
            Some("it was not unlocked at login (as over SSH), or it locked itself"),
            Some("authctl store unlock".to_owned()),
        ),
        StoreError::Keyring(KeyringFault::TimedOut) => (
            "the keyring does not answer".to_owned(),
            Some("its service hangs, or it asks for its password on another screen"),
            Some("enter the password, or restart the service: systemctl --user restart gnome-keyring-daemon".to_owned()),
        ),
        StoreError::Keyring(KeyringFault::Absent(_)) | StoreError::NoKeyring(_) => (
            "no keyring is available".to_owned(),
            Some("no keyring service runs in this session"),
            Some("start one, such as gnome-keyring-daemon; or set store = \"file\" in the config file and log in again".to_owned()),
        ),
        StoreError::Keyring(KeyringFault::UntrustedBus(reason)) => (
            reason.clone(),
            Some("authctl sends secrets only to a message bus that this user or root runs"),
            hint,
        ),
        StoreError::Keyring(KeyringFault::Failed(reason)) => (
            format!("the keyring failed: {reason}"),
            Some("it denies access or is damaged"),
            Some("allow access in the keyring's own program, such as Seahorse or Keychain Access".to_owned()),
        ),
        StoreError::Locked if is_new(examination) => {
            return Finding::note(TOPIC, choice(examination), "no passphrase has been chosen yet")
                .fix("authctl store unlock");
        }
        error => (crate::text::causes::with_causes(error), None, hint),
    };
    let mut finding = Finding::problem(TOPIC, choice(examination), what);
    finding.why = why.map(str::to_owned);
    finding.fix = fix.or_else(|| file_fix(error));
    finding
}

fn file_fix(error: &StoreError) -> Option<String> {
    match error {
        StoreError::File(FileError::NotPrivate { path, .. }) => Some(disk::private(Path::new(path))),
        StoreError::File(FileError::Io { path, .. }) => {
            Some(format!("check that you can write to {path} and that its disk is not full"))
        }
        StoreError::NotStored { .. } => {
            Some("use another store: authctl store move file, with store = \"file\"".to_owned())
        }
        _ => None,
    }
}

fn is_new(examination: &Examination<'_>) -> bool {
    matches!(examination.store.passphrase(), Ok(Some(Passphrase::ToBeChosen)))
}

fn open_key(examination: &Examination<'_>, kind: StoreKind, key: &KeySource) -> Option<Finding> {
    let place = examination.store.survey().ok()?.key_file;
    (kind == StoreKind::File && *key == KeySource::File).then(|| {
        Finding::note(
            TOPIC,
            place,
            "the encryption key is stored unprotected on the same disk as the encrypted files",
        )
        .why("this only protects copies that do not include the key")
        .fix("set key = \"passphrase\" or key = { command = […] } in [store], then: authctl store rekey")
    })
}

fn kernel(examination: &Examination<'_>, key: &KeySource) -> Option<Finding> {
    let config = examination.app.config;
    let needed = *key == KeySource::Passphrase;
    if !needed && !config.caches_in_kernel() {
        return None;
    }
    let keyring = &examination.app.system.kernel_keyring;
    let written = keyring.keep(KERNEL_TEST, b"test", std::time::Duration::from_secs(5));
    let read = keyring.read(KERNEL_TEST).is_some_and(|value| value.as_slice() == b"test");
    keyring.forget(KERNEL_TEST);
    let failed = |reason: String| {
        let what = format!("the kernel's keyring is not available: {reason}");
        if needed {
            Finding::problem(TOPIC, "key = \"passphrase\"", what)
                .why("authctl remembers the passphrase there")
                .fix("set key = \"file\" or key = { command = […] } in [store], then: authctl store rekey")
        } else {
            Finding::warning(TOPIC, "cache = \"kernel\"", what).fix("set cache = \"none\" in [store]")
        }
    };
    Some(match written {
        Ok(()) if read => Finding::ok(TOPIC, "the kernel's keyring", "works"),
        Ok(()) => failed("it does not return what was written".to_owned()),
        Err(error) => failed(error.to_string()),
    })
}

/// Reads the listed records from the stores that work.
fn accounts(
    examination: &Examination<'_>,
    usable: &[StoreKind],
    choice: StoreChoice,
    findings: &mut Vec<Finding>,
) -> Vec<Stored> {
    let config = examination.app.config;
    let listed = examination.store.listed().unwrap_or_default();
    let mut stored = Vec::new();
    let is_meant = |name: &ProviderName| {
        examination.whole || examination.providers.iter().any(|provider| provider.name == *name)
    };
    for provider in listed.into_iter().filter(is_meant) {
        // The credential that opens the shared store is stored on this machine.
        let opens = config.opens_store(&provider);
        let store = examination.app.session(&provider).store;
        if !config.credentials.contains_key(&provider) {
            findings.push(
                Finding::note(TOPIC, provider.as_str(), "tokens are stored for it, but it is not configured")
                    .fix(format!("authctl logout {provider} --local")),
            );
        }
        for entry in store.index(&provider).unwrap_or_default().entries {
            let subject = format!("{provider} ({})", entry.account);
            let mut record = None;
            match choice {
                StoreChoice::Only(kind) if kind != entry.store && !opens => findings.push(
                    Finding::problem(TOPIC, subject, format!("stored in {}", entry.store))
                        .why(format!("the configuration says {}", self::choice(examination)))
                        .fix(format!("authctl store move {}", kind.name())),
                ),
                _ if (opens || usable.contains(&entry.store)) && !examination.left().is_zero() => match store
                    .read(entry.store, &entry.name(&provider), &entry.binding)
                {
                    Ok(Some(found)) => record = Some(found),
                    Ok(None) => findings.push(
                        Finding::problem(TOPIC, subject, format!("listed, but missing from {}", entry.store))
                            .why("another program deleted its record, or HOME was different at login")
                            .fix(format!("authctl login {provider}")),
                    ),
                    Err(error) => {
                        let finding = unusable(examination, &error);
                        findings.push(Finding { subject, ..finding });
                    }
                },
                _ => {}
            }
            stored.push(Stored { provider: provider.clone(), entry, record });
        }
    }
    stored
}
