//! Records that are sealed on this machine before they are stored.

pub mod cipher;
mod folder;
mod key_copy;
pub mod key_file;
mod key_format;
pub mod key_source;

use std::path::{Path, PathBuf};
use std::rc::Rc;

use zeroize::Zeroizing;

use crate::binding::Binding;
use crate::failpoint;
use crate::os::private_file::FileError;
use crate::ports::{Folder, System};
use crate::secret::SecretText;
use crate::store::backend::Backend;
use crate::store::bytes::{Bytes, KEY_FILE, LOCKS, RECORDS};
use crate::store::error::StoreError;
use crate::store::kind::StoreKind;
use crate::store::lock::{LONGEST_WAIT, Lock};
use crate::store::record::RecordName;
use crate::store::revision::{Revision, Versioned};
use crate::store::sealed::cipher::SealError;
pub(super) use crate::store::sealed::folder::SealedFolder;
use crate::store::sealed::key_file::KeyFile;
use crate::store::sealed::key_format::Keys;

/// Sealed records, and the key file that opens them.
pub(super) struct Sealed<'a> {
    pub(super) system: &'a System,
    pub(super) bytes: Rc<dyn Bytes>,
    pub(super) key: KeyFile<'a>,
}

impl Sealed<'_> {
    /// The keys for a new record. New keys are generated only if nothing is sealed yet.
    pub(super) fn keys_or_new(&self) -> Result<Keys, StoreError> {
        if self.key.stored_source()?.is_none() && !self.list()?.is_empty() {
            return Err(StoreError::KeyMissing { path: self.key.location() });
        }
        self.key.keys_or_new()
    }

    /// Opens what was sealed with the current key or an earlier one.
    pub(super) fn open(
        &self,
        name: &RecordName,
        binding: &Binding,
        sealed: &[u8],
        place: &str,
    ) -> Result<SecretText, StoreError> {
        let opened = match self.try_keys(name, binding, sealed)? {
            // Another machine may have changed the key since.
            Err(SealError::Tampered) if self.key.update()? => self.try_keys(name, binding, sealed)?,
            opened => opened,
        };
        let text = opened.map_err(|error| StoreError::corrupt(place, error))?;
        let text = std::str::from_utf8(&text).map_err(|_| StoreError::corrupt(place, "it is not UTF-8"))?;
        Ok(SecretText::new(text))
    }

    fn try_keys(
        &self,
        name: &RecordName,
        binding: &Binding,
        sealed: &[u8],
    ) -> Result<Result<Zeroizing<Vec<u8>>, SealError>, StoreError> {
        let keys = self.key.keys()?.ok_or_else(|| StoreError::KeyMissing { path: self.key.location() })?;
        let mut failure = SealError::Tampered;
        for (number, key) in keys.iter().enumerate() {
            match cipher::open(&key, name, binding, sealed) {
                Ok(text) => return Ok(Ok(text)),
                Err(error) if number == 0 => failure = error,
                Err(_) => {}
            }
        }
        Ok(Err(failure))
    }

    pub(super) fn reseal(&self, name: &RecordName) -> Result<(), StoreError> {
        let Some(Versioned { value: sealed, revision }) = self.bytes.read(&key(name))? else {
            return Ok(());
        };
        let place = self.location(name);
        let binding = cipher::claimed_binding(&sealed).map_err(|error| StoreError::corrupt(&place, error))?;
        let text = self.open(name, &binding, &sealed, &place)?;
        self.write(name, &binding, &text, &revision).map(drop)
    }

    pub(super) fn lock_keys(&self) -> Result<Lock, StoreError> {
        self.lock_both(&self.key.path().with_file_name(format!("{}.key.lock", self.kind().name())), KEY_FILE)
    }

    /// Takes the lock among this machine's processes, then the one among machines.
    fn lock_both(&self, path: &Path, key: &str) -> Result<Lock, StoreError> {
        let lock = Lock::take(path, LONGEST_WAIT, &*self.system.clock)?;
        Ok(lock.with_shared(Rc::clone(&self.bytes).lock(&format!("{LOCKS}{key}"), LONGEST_WAIT)?))
    }

    fn location(&self, name: &RecordName) -> String {
        self.bytes.location(&key(name))
    }
}

fn key(name: &RecordName) -> String {
    format!("{RECORDS}{name}")
}

impl Backend for Sealed<'_> {
    fn kind(&self) -> StoreKind {
        self.bytes.kind()
    }

    fn read(
        &self,
        name: &RecordName,
        binding: &Binding,
    ) -> Result<Option<Versioned<SecretText>>, StoreError> {
        let Some(Versioned { value: sealed, revision }) = self.bytes.read(&key(name))? else {
            return Ok(None);
        };
        let value = self.open(name, binding, &sealed, &self.location(name))?;
        Ok(Some(Versioned { value, revision }))
    }

    fn write(
        &self,
        name: &RecordName,
        binding: &Binding,
        text: &SecretText,
        over: &Revision,
    ) -> Result<Revision, StoreError> {
        // Another machine may have changed the key, and could not open what the old one seals.
        self.key.update()?;
        let current = self.keys_or_new()?.current();
        let sealed = cipher::seal(&current, name, binding, text.expose().as_bytes(), &*self.system.random);
        failpoint::fail("record").map_err(|source| FileError::Io { path: self.location(name), source })?;
        self.bytes.write(&key(name), &sealed, over)
    }

    fn delete(&self, name: &RecordName) -> Result<bool, StoreError> {
        self.bytes.delete(&key(name))
    }

    fn list(&self) -> Result<Vec<RecordName>, StoreError> {
        let names = self.bytes.list(RECORDS)?;
        Ok(names.into_iter().filter_map(RecordName::stored).collect())
    }

    fn lock_path(&self, name: &RecordName) -> Result<PathBuf, StoreError> {
        let folder = match self.kind() {
            StoreKind::File => self.system.paths.folder(Folder::State)?.join(RECORDS),
            shared => self.system.paths.folder(Folder::Locks)?.join(shared.name()),
        };
        Ok(folder.join(format!("{name}.lock")))
    }

    fn lock(&self, name: &RecordName) -> Result<Lock, StoreError> {
        self.lock_both(&self.lock_path(name)?, name.as_str())
    }

    fn prepare(&self) -> Result<(), StoreError> {
        self.bytes.prepare()?;
        self.keys_or_new().map(drop)
    }

    fn claimed_binding(&self, name: &RecordName) -> Result<Option<Binding>, StoreError> {
        let Some(stored) = self.bytes.read(&key(name))? else { return Ok(None) };
        cipher::claimed_binding(&stored.value)
            .map(Some)
            .map_err(|error| StoreError::corrupt(self.location(name), error))
    }
}
