//! Records in the operating system's keyring, through keyring-core.

pub mod fault;
mod large_records;
#[cfg(target_os = "linux")]
pub mod secret_service;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use keyring_core::{CredentialStore, Entry};
use zeroize::Zeroizing;

use crate::binding::Binding;
use crate::failpoint;
use crate::os::threads::Reserved;
#[cfg(target_os = "linux")]
use crate::ports::prompter::WaitReason;
use crate::ports::{Folder, System};
use crate::secret::SecretText;
use crate::store::backend::Backend;
use crate::store::error::StoreError;
use crate::store::keyring::fault::KeyringFault;
use crate::store::keyring::large_records::{Overflow, Reference};
#[cfg(target_os = "linux")]
use crate::store::keyring::secret_service::SecretService;
use crate::store::kind::StoreKind;
use crate::store::lock::{LONGEST_WAIT, Lock};
use crate::store::record::RecordName;
use crate::store::revision::{Revision, Versioned};

/// The service name of all of authctl's entries.
pub const SERVICE: &str = "authctl";
/// How long a keyring may take to answer; one that asks the user may take this long (F-KR1).
const DEADLINE: Duration = Duration::from_secs(65);

pub(super) struct KeyringBackend<'a> {
    keyring: Arc<CredentialStore>,
    overflow: Overflow<'a>,
    system: &'a System,
}

impl<'a> KeyringBackend<'a> {
    pub(super) fn open(system: &'a System) -> Result<Self, StoreError> {
        let folder = system.paths.folder(Folder::State)?.join("overflow");
        Ok(Self { keyring: system.keyring.open()?, overflow: Overflow::new(folder, &*system.random), system })
    }

    /// Asks the user to unlock the keyring, if that is possible.
    pub(super) fn unlock(&self) -> Result<(), StoreError> {
        #[cfg(target_os = "linux")]
        if let Some(service) = self.keyring.as_any().downcast_ref::<SecretService>() {
            let _waiting = self.system.prompter.wait(WaitReason::KeyringUnlock, None);
            service.unlock().map_err(|error| read_fault(error, "unlock"))?;
        }
        Ok(())
    }

    /// The bytes of an entry; `None` if it does not exist.
    fn entry_bytes(&self, name: &RecordName) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.call(name, |entry| match entry.get_secret() {
            Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
            Err(keyring_core::Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })
    }

    /// Replaces an entry and reads it back: some keyrings truncate or drop what is too long for them (F-KR4).
    fn replace(&self, name: &RecordName, text: &SecretText, over: &Revision) -> Result<Revision, StoreError> {
        let (secret, over) = (text.clone(), over.clone());
        let written = self.call(name, move |entry| {
            if over != Revision::Any {
                let present = match entry.get_secret().map(Zeroizing::new) {
                    Ok(bytes) => Revision::of(&bytes),
                    Err(keyring_core::Error::NoEntry) => Revision::Absent,
                    Err(error) => return Err(error),
                };
                if !over.allows(&present) {
                    return Ok(Written::Conflict);
                }
            }
            entry.set_secret(secret.expose().as_bytes())?;
            let stored = Zeroizing::new(entry.get_secret()?);
            let same = *stored == secret.expose().as_bytes();
            Ok(if same { Written::As(Revision::of(&stored)) } else { Written::Otherwise })
        })?;
        let place = place(name.as_str());
        match written {
            Written::As(revision) => Ok(revision),
            Written::Otherwise => Err(StoreError::NotStored { place }),
            Written::Conflict => Err(StoreError::Conflict { place }),
        }
    }

    fn call<T: Send + 'static>(
        &self,
        name: &RecordName,
        action: impl FnOnce(&Entry) -> keyring_core::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let user = name.as_str().to_owned();
        self.bounded(move |keyring| action(&entry(keyring, &user)?))
            .map_err(|error| read_fault(error, name.as_str()))
    }

    /// Calls the keyring on a separate thread, so that authctl does not hang with it. The Secret Service is called
    /// directly, because each of its waits has a deadline. If no thread can be started, the call is made here: the
    /// tokens that it saves may not be available a second time.
    fn bounded<T: Send + 'static>(
        &self,
        action: impl FnOnce(&CredentialStore) -> keyring_core::Result<T> + Send + 'static,
    ) -> keyring_core::Result<T> {
        #[cfg(target_os = "linux")]
        if self.keyring.as_any().is::<SecretService>() {
            return action(&*self.keyring);
        }
        let thread = match Reserved::new("keyring") {
            Ok(thread) => thread,
            Err(error) if error.kind() == std::io::ErrorKind::QuotaExceeded => {
                return Err(KeyringFault::TimedOut.into());
            }
            Err(_) => return action(&*self.keyring),
        };
        let keyring = Arc::clone(&self.keyring);
        let (sender, receiver) = mpsc::channel();
        thread.run(move || sender.send(action(&*keyring)));
        receiver.recv_timeout(DEADLINE).unwrap_or_else(|_| Err(KeyringFault::TimedOut.into()))
    }
}

/// On Windows an entry roams with the user's profile by default.
fn entry(keyring: &CredentialStore, user: &str) -> keyring_core::Result<Entry> {
    #[cfg(windows)]
    let modifiers = Some(std::collections::HashMap::from([("persistence", "Local")]));
    #[cfg(not(windows))]
    let modifiers: Option<std::collections::HashMap<&str, &str>> = None;
    keyring.build(SERVICE, user, modifiers.as_ref())
}

impl Backend for KeyringBackend<'_> {
    fn kind(&self) -> StoreKind {
        StoreKind::Keyring
    }

    fn read(
        &self,
        name: &RecordName,
        binding: &Binding,
    ) -> Result<Option<Versioned<SecretText>>, StoreError> {
        let Some(mut bytes) = self.entry_bytes(name)? else { return Ok(None) };
        let text = |bytes: &[u8]| {
            std::str::from_utf8(bytes)
                .map(SecretText::new)
                .map_err(|_| StoreError::corrupt(place(name.as_str()), "it is not UTF-8"))
        };
        loop {
            let (entry, revision) = (text(&bytes)?, Revision::of(&bytes));
            let Some(reference) = Reference::parse(entry.expose()) else {
                return Ok(Some(Versioned { value: entry, revision }));
            };
            let error = match self.overflow.read(name, binding, &reference) {
                Ok(sealed) => return Ok(Some(Versioned { value: text(&sealed)?, revision })),
                Err(error) => error,
            };
            // A write between the two reads has removed the file that the entry referred to.
            match self.entry_bytes(name)? {
                Some(newer) if *newer != *bytes => bytes = newer,
                Some(_) => return Err(error),
                None => return Ok(None),
            }
        }
    }

    fn write(
        &self,
        name: &RecordName,
        binding: &Binding,
        text: &SecretText,
        over: &Revision,
    ) -> Result<Revision, StoreError> {
        if failpoint::fail("entry").is_err() {
            return Err(StoreError::Keyring(KeyringFault::Failed("a fault of the test".to_owned())));
        }
        match self.replace(name, text, over) {
            Err(StoreError::TooLong { .. }) => {
                let entry = self.overflow.write(name, binding, text)?;
                let revision = self.replace(name, &entry, over)?;
                self.overflow.sweep(name, Some(entry.expose()));
                Ok(revision)
            }
            written => {
                let revision = written?;
                self.overflow.sweep(name, None);
                Ok(revision)
            }
        }
    }

    fn claimed_binding(&self, name: &RecordName) -> Result<Option<Binding>, StoreError> {
        let entry = self.entry_bytes(name)?;
        let reference = entry.as_deref().and_then(|bytes| Reference::parse(std::str::from_utf8(bytes).ok()?));
        reference.map(|reference| self.overflow.claimed_binding(name, &reference)).transpose()
    }

    fn lock_path(&self, name: &RecordName) -> Result<PathBuf, StoreError> {
        Ok(self.system.paths.folder(Folder::Locks)?.join(format!("{name}.lock")))
    }

    fn lock(&self, name: &RecordName) -> Result<Lock, StoreError> {
        Lock::take(&self.lock_path(name)?, LONGEST_WAIT, &*self.system.clock)
    }

    fn delete(&self, name: &RecordName) -> Result<bool, StoreError> {
        let deleted = self.call(name, |entry| match entry.delete_credential() {
            Ok(()) => Ok(true),
            Err(keyring_core::Error::NoEntry) => Ok(false),
            Err(error) => Err(error),
        })?;
        self.overflow.sweep(name, None);
        Ok(deleted)
    }

    fn list(&self) -> Result<Vec<RecordName>, StoreError> {
        // The Windows store searches its own names, which contain the service, for a pattern.
        let attribute = if cfg!(windows) { "pattern" } else { "service" };
        let users = self.bounded(move |keyring| {
            let found = match keyring.search(&std::collections::HashMap::from([(attribute, SERVICE)])) {
                Err(keyring_core::Error::NotSupportedByStore(_) | keyring_core::Error::NoEntry) => Vec::new(),
                found => found?,
            };
            let ours =
                found.iter().filter_map(Entry::get_specifiers).filter(|(service, _)| service == SERVICE);
            Ok(ours.map(|(_, user)| user).collect::<Vec<_>>())
        });
        let users = users.map_err(|error| read_fault(error, "search"))?;
        Ok(users.into_iter().filter_map(RecordName::stored).collect())
    }
}

enum Written {
    As(Revision),
    Otherwise,
    Conflict,
}

fn place(name: &str) -> String {
    format!("the keyring entry {SERVICE}/{name}")
}

/// Describes a failure without keyring-core's texts that could contain the entry's bytes (F-KR5).
fn read_fault(error: keyring_core::Error, name: &str) -> StoreError {
    use keyring_core::Error;
    let corrupt = |reason| StoreError::corrupt(place(name), reason);
    match error {
        Error::BadEncoding(_) => corrupt("it is not UTF-8"),
        Error::BadDataFormat(..) => corrupt("the keyring cannot decode it"),
        Error::BadStoreFormat(_) => {
            StoreError::Keyring(KeyringFault::Failed("its own data is damaged".to_owned()))
        }
        Error::TooLong(_, limit) => StoreError::TooLong { place: place(name), limit },
        Error::Ambiguous(entries) => StoreError::Ambiguous { place: place(name), count: entries.len() },
        Error::PlatformFailure(source) | Error::NoStorageAccess(source) => {
            StoreError::Keyring(source.downcast_ref::<KeyringFault>().cloned().unwrap_or_else(|| {
                KeyringFault::Failed(crate::text::untrusted::escaped(&source.to_string()))
            }))
        }
        Error::NoEntry => StoreError::NotStored { place: place(name) },
        _ => StoreError::Keyring(KeyringFault::Failed("it does not support this".to_owned())),
    }
}
