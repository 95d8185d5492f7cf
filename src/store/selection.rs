//! Selects the store that a record is in, or goes to.

use crate::binding::Binding;
use crate::name::{AccountName, ProviderName};
use crate::store::error::StoreError;
use crate::store::index::Entry;
use crate::store::keyring::KeyringBackend;
use crate::store::keyring::fault::KeyringFault;
use crate::store::kind::{StoreChoice, StoreKind};
use crate::store::record::RecordName;
use crate::store::token_store::TokenStore;

impl TokenStore<'_> {
    /// The store for an account's new record: where the account already is, so that there is never a second copy, else
    /// as [`Self::store_for`] decides.
    pub fn store_for_account(
        &self,
        provider: &ProviderName,
        account: &AccountName,
        name: &RecordName,
        unlock: bool,
    ) -> Result<StoreKind, StoreError> {
        let index = self.index(provider)?;
        let listed = index.entries.iter().find(|entry| entry.account == *account).map(|entry| entry.store);
        match (self.settings.choice, listed) {
            (StoreChoice::Auto, Some(StoreKind::File)) => Ok(StoreKind::File),
            (StoreChoice::Auto, Some(kind @ (StoreKind::Etcd | StoreKind::Vault))) => {
                Err(StoreError::NoSharedStore(kind))
            }
            (StoreChoice::Auto, Some(StoreKind::Keyring)) => {
                self.system.keyring.open()?;
                match self.store_for(name, unlock)? {
                    StoreKind::Keyring => Ok(StoreKind::Keyring),
                    // The account is in a keyring that this session does not have: no second copy is made.
                    _ => Err(StoreError::Keyring(KeyringFault::Absent("no keyring service runs".to_owned()))),
                }
            }
            _ => self.store_for(name, unlock),
        }
    }

    /// The store for a new record of this name. If the keyring is locked and `unlock` is set, the user is asked. A
    /// keyring that exists but cannot be used is an error: it is never skipped.
    pub fn store_for(&self, name: &RecordName, unlock: bool) -> Result<StoreKind, StoreError> {
        if let StoreChoice::Only(kind) = self.settings.choice
            && kind != StoreKind::Keyring
        {
            return Ok(kind);
        }
        let Some(backend) = self.present(StoreKind::Keyring)? else { return Ok(StoreKind::File) };
        match self.unless_absent(backend.read(name, &Binding::default())) {
            Ok(None) => Ok(StoreKind::File),
            Err(StoreError::Keyring(KeyringFault::Locked)) if unlock => {
                self.unlock_keyring()?;
                Ok(StoreKind::Keyring)
            }
            Err(StoreError::Corrupt { .. }) | Ok(Some(_)) => Ok(StoreKind::Keyring),
            Err(error) => Err(error),
        }
    }

    /// Asks the user to unlock the keyring, if that is possible.
    pub fn unlock_keyring(&self) -> Result<(), StoreError> {
        KeyringBackend::open(self.system)?.unlock()
    }

    /// Prepares a store for a record, so that a store that cannot save it fails early.
    pub fn prepare(&self, kind: StoreKind, name: &RecordName) -> Result<(), StoreError> {
        self.backend(kind)?.prepare()?;
        self.lock(kind, name).map(drop)
    }

    pub(super) fn kinds(&self) -> Vec<StoreKind> {
        match self.settings.choice {
            StoreChoice::Auto => vec![StoreKind::File, StoreKind::Keyring],
            StoreChoice::Only(kind) => vec![kind],
        }
    }

    pub(super) fn check_choice(&self, entry: &Entry) -> Result<(), StoreError> {
        match self.settings.choice {
            StoreChoice::Only(configured) if configured != entry.store => Err(StoreError::OtherStore {
                account: entry.account.clone(),
                actual: entry.store,
                configured,
            }),
            _ => Ok(()),
        }
    }
}
