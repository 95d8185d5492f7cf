//! Unlocks sealed records, and seals them with a new key.

use crate::secret::SecretText;
use crate::store::backend::Backend as _;
use crate::store::error::StoreError;
use crate::store::token_store::TokenStore;

impl TokenStore<'_> {
    /// Unlocks sealed records with their passphrase, or sets the passphrase if they have none.
    pub fn unlock_files(&self, passphrase: &SecretText) -> Result<(), StoreError> {
        self.sealed(self.sealed_kind())?.key.unlock(passphrase)
    }

    /// Seals every record with a new key, which is stored as the configuration now says. After an interruption
    /// everything can still be opened.
    pub fn rekey(
        &self,
        old_passphrase: &mut dyn FnMut() -> Result<SecretText, StoreError>,
        old_command: Option<&[String]>,
        new_passphrase: Option<&SecretText>,
    ) -> Result<usize, StoreError> {
        let files = self.sealed(self.sealed_kind())?;
        // Two processes at once would each drop the other's key.
        let _alone = files.lock_keys()?;
        files.key.update()?;
        let Some(old) = files.key.stored_keys(old_passphrase, old_command)? else {
            return Ok(0);
        };
        // First the file gets all keys, then the records are sealed with the new one, then the other keys are removed.
        let keys = old.followed_by_new(&*self.system.random);
        files.key.replace(&keys, new_passphrase)?;
        let ours = files.key.shared_revision();
        let names = files.list()?;
        let reseal = |name| {
            let _lock = files.lock(name)?;
            files.reseal(name)
        };
        // A record that cannot be opened does not stop the others. The old keys stay until it can be.
        let failures: Vec<StoreError> = names.iter().filter_map(|name| reseal(name).err()).collect();
        if let Some(error) = failures.into_iter().next() {
            return Err(error);
        }
        if files.key.shared_revision() != ours {
            return Err(StoreError::Conflict { place: files.key.location() });
        }
        if self.rescued_files().is_empty() {
            files.key.replace(&keys.current_alone(), new_passphrase)?;
        }
        Ok(names.len())
    }
}
