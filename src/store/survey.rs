//! The store's state.

use crate::name::ProviderName;
use crate::ports::Folder;
use crate::store::error::StoreError;
use crate::store::kind::{StoreChoice, StoreKind};
use crate::store::sealed::key_source::KeySource;
use crate::store::token_store::TokenStore;

/// The store's state, without secrets.
#[derive(Debug)]
pub struct Survey {
    pub choice: StoreChoice,
    pub records: String,
    pub key_file: String,
    pub key_source_name: Option<String>,
    /// Whether encrypted files cannot be opened without a passphrase.
    pub locked: bool,
    /// How many accounts each store has.
    pub accounts: Vec<(StoreKind, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passphrase {
    ToBeChosen,
    Locked,
    Given,
}

impl TokenStore<'_> {
    pub fn survey(&self) -> Result<Survey, StoreError> {
        let files = self.sealed(self.sealed_kind())?;
        let mut accounts: Vec<_> = self.reachable().into_iter().map(|kind| (kind, 0)).collect();
        for provider in self.listed()? {
            for entry in self.index(&provider)?.entries {
                accounts
                    .iter_mut()
                    .filter(|(kind, _)| *kind == entry.store)
                    .for_each(|(_, count)| *count += 1);
            }
        }
        Ok(Survey {
            choice: self.settings.choice,
            records: match &self.settings.shared {
                Some(shared) => format!("{}, under {}", shared.kind(), shared.prefix),
                None => self.system.paths.folder(Folder::State)?.join("records").display().to_string(),
            },
            key_file: files.key.location(),
            key_source_name: files.key.stored_source()?,
            locked: files.key.is_locked(),
            accounts,
        })
    }

    /// Whether sealed records need a passphrase now; `None` if they have none.
    pub fn passphrase(&self) -> Result<Option<Passphrase>, StoreError> {
        if self.settings.key != KeySource::Passphrase {
            return Ok(None);
        }
        let key = self.sealed(self.sealed_kind())?.key;
        Ok(Some(match key.stored_source()? {
            None => Passphrase::ToBeChosen,
            Some(_) if key.is_locked() => Passphrase::Locked,
            Some(_) => Passphrase::Given,
        }))
    }

    /// Whether anyone who has this machine's files can open sealed records.
    pub fn key_is_unprotected(&self) -> bool {
        self.settings.key == KeySource::File
    }

    /// Whether a new login of this provider is sealed.
    pub fn goes_to_sealed(&self, provider: &ProviderName) -> Result<bool, StoreError> {
        let index = self.index(provider)?;
        Ok(match (self.settings.choice, index.entries.first()) {
            (StoreChoice::Only(kind), _) => kind != StoreKind::Keyring,
            (StoreChoice::Auto, Some(entry)) => entry.store == StoreKind::File,
            (StoreChoice::Auto, None) => self.system.keyring.open().is_err(),
        })
    }

    pub(super) fn reachable(&self) -> Vec<StoreKind> {
        let configured = self.settings.shared.as_ref().map(|shared| shared.kind());
        StoreKind::ALL.into_iter().filter(|kind| !kind.is_shared() || Some(*kind) == configured).collect()
    }
}
