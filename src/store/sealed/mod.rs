//! Records that are sealed here before they go where they are kept.

pub mod blobs;
pub mod cipher;
pub mod key_file;
pub mod key_source;

use std::rc::Rc;

use super::record::RecordName;
use super::{Backend, Kept, Revision, StoreError, StoreKind};
use crate::binding::Binding;
use crate::ports::Random;
use crate::secret::SecretText;
use crate::store::sealed::blobs::Blobs;
use crate::store::sealed::cipher::SealError;
use crate::store::sealed::key_file::Keys;
use crate::store::sealed::key_source::KeyFile;

/// Sealed records in one place, their key in another.
pub struct SealedBackend {
    blobs: Box<dyn Blobs>,
    key: KeyFile,
    random: Rc<dyn Random>,
}

impl SealedBackend {
    /// Sealed records in `blobs`, with the keys of `key`, which are made when they are first needed.
    #[must_use]
    pub fn new(blobs: Box<dyn Blobs>, key: KeyFile, random: Rc<dyn Random>) -> Self {
        Self { blobs, key, random }
    }

    /// The key file.
    #[must_use]
    pub fn key(&self) -> &KeyFile {
        &self.key
    }

    /// The keys for a new record. New ones are made only where there is nothing yet that old ones sealed.
    pub(super) fn keys_or_new(&self) -> Result<Keys, StoreError> {
        if self.key.kept_as()?.is_none() && !self.names()?.is_empty() {
            return Err(StoreError::KeyMissing { path: self.key.place() });
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
        let corrupt = |reason: &dyn std::fmt::Display| StoreError::Corrupt {
            place: place.to_owned(),
            reason: reason.to_string(),
        };
        let opened = match self.opened(name, binding, sealed)? {
            // Another machine may have changed the key since.
            Err(SealError::Tampered) if self.key.fetch_anew()? => self.opened(name, binding, sealed)?,
            opened => opened,
        };
        let text = opened.map_err(|error| corrupt(&error))?;
        let text = std::str::from_utf8(&text).map_err(|_| corrupt(&"it is not UTF-8"))?;
        Ok(SecretText::new(text))
    }

    fn opened(
        &self,
        name: &RecordName,
        binding: &Binding,
        sealed: &[u8],
    ) -> Result<Result<zeroize::Zeroizing<Vec<u8>>, SealError>, StoreError> {
        let keys = self.key.keys()?.ok_or_else(|| StoreError::KeyMissing { path: self.key.place() })?;
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

    /// Seals a record anew with the current key.
    pub(super) fn reseal(&self, name: &RecordName) -> Result<(), StoreError> {
        let Some(blob) = self.blobs.get(name)? else { return Ok(()) };
        let place = self.blobs.place(name);
        let binding = cipher::claimed_binding(&blob.bytes)
            .map_err(|error| StoreError::Corrupt { place: place.clone(), reason: error.to_string() })?;
        let text = self.open(name, &binding, &blob.bytes, &place)?;
        self.write(name, &binding, &text, &blob.revision).map(drop)
    }
}

impl Backend for SealedBackend {
    fn kind(&self) -> StoreKind {
        self.blobs.kind()
    }

    fn read(&self, name: &RecordName, binding: &Binding) -> Result<Option<Kept>, StoreError> {
        let Some(blob) = self.blobs.get(name)? else { return Ok(None) };
        let text = self.open(name, binding, &blob.bytes, &self.blobs.place(name))?;
        Ok(Some(Kept { text, revision: blob.revision }))
    }

    fn write(
        &self,
        name: &RecordName,
        binding: &Binding,
        text: &SecretText,
        over: &Revision,
    ) -> Result<Revision, StoreError> {
        // Another machine may have changed the key: what an old one seals, nobody else opens.
        self.key.fetch_anew()?;
        let key = self.keys_or_new()?.current();
        let sealed = cipher::seal(&key, name, binding, text.expose().as_bytes(), &*self.random);
        self.blobs.put(name, &sealed, over)
    }

    fn prepare(&self) -> Result<(), StoreError> {
        self.blobs.prepare()?;
        self.keys_or_new().map(drop)
    }

    fn delete(&self, name: &RecordName) -> Result<bool, StoreError> {
        self.blobs.delete(name)
    }

    fn names(&self) -> Result<Vec<RecordName>, StoreError> {
        self.blobs.names()
    }

    fn claimed_binding(&self, name: &RecordName) -> Result<Option<Binding>, StoreError> {
        let Some(blob) = self.blobs.get(name)? else { return Ok(None) };
        cipher::claimed_binding(&blob.bytes)
            .map(Some)
            .map_err(|error| StoreError::Corrupt { place: self.blobs.place(name), reason: error.to_string() })
    }
}
