//! Configured secrets that are kept in the store instead of the configuration.

use super::TokenStore;
use super::backend::{Revision, StoreChoice, StoreError, StoreKind};
use super::keyring::KeyringFault;
use super::record::RecordName;
use crate::binding::Binding;
use crate::secret::SecretText;

impl TokenStore<'_> {
    /// Reads a configured secret that is kept in the store, from wherever it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn secret(&self, name: &RecordName, binding: &Binding) -> Result<Option<SecretText>, StoreError> {
        for kind in self.kinds() {
            let Some(backend) = self.present(kind)? else { continue };
            match backend.read(name, binding) {
                Err(StoreError::Keyring(KeyringFault::Absent(_))) if self.choice == StoreChoice::Auto => {}
                Ok(None) => {}
                found => return Ok(found?.map(|kept| kept.text)),
            }
        }
        Ok(None)
    }

    /// Keeps a configured secret; says in which store.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_secret(
        &self,
        name: &RecordName,
        binding: &Binding,
        secret: &SecretText,
    ) -> Result<StoreKind, StoreError> {
        let kind = self.place_for(name, true)?;
        self.backend(kind)?.write(name, binding, secret, &Revision::Any)?;
        for other in self.kinds().into_iter().filter(|&other| other != kind) {
            if let Some(backend) = self.present(other)? {
                backend.delete(name)?;
            }
        }
        Ok(kind)
    }

    /// Removes a configured secret from every store; `false` when there was none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_secret(&self, name: &RecordName) -> Result<bool, StoreError> {
        let mut removed = false;
        for kind in self.kinds() {
            let Some(backend) = self.present(kind)? else { continue };
            match backend.delete(name) {
                Err(StoreError::Keyring(KeyringFault::Absent(_))) if self.choice == StoreChoice::Auto => {}
                deleted => removed |= deleted?,
            }
        }
        Ok(removed)
    }
}
