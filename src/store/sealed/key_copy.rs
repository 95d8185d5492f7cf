//! Where the key file is: on this machine, or in the shared store with a copy here.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use zeroize::Zeroizing;

use crate::os::private_file;
use crate::secret::SecretText;
use crate::store::bytes::{Bytes, KEY_FILE};
use crate::store::error::StoreError;
use crate::store::revision::Revision;
use crate::store::sealed::key_format;
use crate::store::sealed::key_source::KeySource;

/// The key file, and the shared one that it may be a copy of.
pub(super) struct KeyCopy {
    pub(super) path: PathBuf,
    pub(super) shared: Option<Rc<dyn Bytes>>,
    /// The shared file's last known state.
    pub(super) revision: RefCell<Option<Revision>>,
}

impl KeyCopy {
    /// Reads the local file, or else the shared one.
    pub(super) fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        match private_file::read(&self.path)? {
            None if self.update()? => Ok(private_file::read(&self.path)?),
            bytes => Ok(bytes),
        }
    }

    /// Copies the shared file if another machine has changed it; returns whether it did.
    pub(super) fn update(&self) -> Result<bool, StoreError> {
        let Some(shared) = &self.shared else { return Ok(false) };
        let Some(stored) = shared.read(KEY_FILE)? else { return Ok(false) };
        *self.revision.borrow_mut() = Some(stored.revision);
        if private_file::read(&self.path)?.is_some_and(|known| *known == *stored.value) {
            return Ok(false);
        }
        // The copy may be the last good one, so it is not replaced with something that is not a key, or with an
        // unprotected key that anyone could have put there.
        let place = shared.location(KEY_FILE);
        if key_format::parse(&stored.value, &place)?.source == KeySource::File.name() {
            return Err(StoreError::corrupt(place, "it is not encrypted, but a shared store's key must be"));
        }
        private_file::write(&self.path, &stored.value)?;
        Ok(true)
    }

    /// Writes the first keys, unless another process or machine was faster.
    pub(super) fn create(&self, content: &SecretText) -> Result<(), StoreError> {
        let bytes = content.expose().as_bytes();
        let Some(shared) = &self.shared else { return Ok(private_file::write_new(&self.path, bytes)?) };
        match shared.write(KEY_FILE, bytes, &Revision::Absent) {
            Ok(_) => Ok(private_file::write(&self.path, bytes)?),
            Err(StoreError::Conflict { .. }) => self.update().map(drop),
            Err(error) => Err(error),
        }
    }

    pub(super) fn replace(&self, content: &SecretText) -> Result<(), StoreError> {
        let bytes = content.expose().as_bytes();
        if let Some(shared) = &self.shared {
            let over = self.revision.borrow().clone().unwrap_or_default();
            *self.revision.borrow_mut() = Some(shared.write(KEY_FILE, bytes, &over)?);
        }
        Ok(private_file::write(&self.path, bytes)?)
    }
}
