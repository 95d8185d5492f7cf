//! A provider's accounts: which one is the default, and renaming.

use crate::advice::{Advise, Status};
use crate::name::{AccountName, ProviderName};
use crate::store::error::StoreError;
use crate::store::index::Entry;
use crate::store::record::RecordName;
use crate::store::revision::Revision;
use crate::store::token_store::TokenStore;

#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("`{provider}` has no account `{account}`")]
    Unknown { provider: ProviderName, account: AccountName, known: Vec<AccountName> },
    #[error("`{provider}` already has an account `{account}`")]
    Taken { provider: ProviderName, account: AccountName },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Advise for AccountError {
    fn status(&self) -> Status {
        match self {
            Self::Unknown { .. } | Self::Taken { .. } => Status::Failed,
            Self::Store(error) => error.status(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { provider, known, .. } if known.is_empty() => {
                Some(format!("run `authctl login {provider}`"))
            }
            Self::Unknown { known, .. } => {
                let known: Vec<String> = known.iter().map(ToString::to_string).collect();
                Some(format!("its accounts are {}", known.join(", ")))
            }
            Self::Taken { .. } => Some("choose another name, or log out of that account".to_owned()),
            Self::Store(error) => error.hint(),
        }
    }
}

impl TokenStore<'_> {
    /// Makes an account the default, which is used if none is named.
    pub fn use_account(&self, provider: &ProviderName, account: &AccountName) -> Result<(), AccountError> {
        self.known_account(provider, account)?;
        Ok(self.update_index(provider, |index| index.default_account = Some(account.clone()))?)
    }

    /// Renames an account: each record is written under its new name and read back before the old one is deleted. After
    /// an error, what was not renamed is unchanged.
    pub fn rename_account(
        &self,
        provider: &ProviderName,
        account: &AccountName,
        to: &AccountName,
    ) -> Result<(), AccountError> {
        let entries = self.known_account(provider, account)?;
        // The old and the new name share a lock, which cannot be taken twice.
        if account == to {
            return Ok(());
        }
        let index = self.index(provider)?;
        let taken = || AccountError::Taken { provider: provider.clone(), account: to.clone() };
        let is_renamed = |entry: &Entry| entries.iter().any(|old| old.binding == entry.binding);
        if index.entries.iter().any(|entry| entry.account == *to && !is_renamed(entry)) {
            return Err(taken());
        }
        for entry in entries {
            let old_name = entry.name(provider);
            let new_name = RecordName::of_tokens(provider, to, &entry.binding);
            let lock = self.lock(entry.store, &old_name)?;
            let new_lock = self.lock(entry.store, &new_name)?;
            let Some(mut record) = self.read_entry(Some(&lock), provider, &entry)? else {
                self.update_index(provider, |index| index.remove(account, &entry.binding))?;
                continue;
            };
            record.account = to.clone();
            record.revision = match self.read(entry.store, &new_name, &entry.binding)? {
                None => Revision::Absent,
                // A rename was interrupted between its two steps.
                Some(there) if there.is_same_session(&record) => there.revision,
                // Another machine saved it, so it is not listed here.
                Some(_) => return Err(taken()),
            };
            self.save(&new_lock, provider, &mut record, entry.store).map_err(|error| match error {
                StoreError::Conflict { .. } => taken(),
                error => error.into(),
            })?;
            self.forget(&lock, provider, &entry)?;
        }
        let was_default = index.default_account.as_ref() == Some(account);
        if was_default {
            self.update_index(provider, |index| index.default_account = Some(to.clone()))?;
        }
        Ok(())
    }

    fn known_account(
        &self,
        provider: &ProviderName,
        account: &AccountName,
    ) -> Result<Vec<Entry>, AccountError> {
        let index = self.index(provider)?;
        let entries: Vec<Entry> =
            index.entries.iter().filter(|entry| entry.account == *account).cloned().collect();
        if entries.is_empty() {
            let known = index.entries.into_iter().map(|entry| entry.account).collect();
            return Err(AccountError::Unknown {
                provider: provider.clone(),
                account: account.clone(),
                known,
            });
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::check;

    #[test]
    fn each_error_has_its_status_and_hint() {
        let provider: ProviderName = "github".parse().unwrap();
        let account: AccountName = "work".parse().unwrap();
        let unknown =
            |known| AccountError::Unknown { provider: provider.clone(), account: account.clone(), known };
        let taken = AccountError::Taken { provider: provider.clone(), account: account.clone() };
        check(&[
            (&unknown(Vec::new()), Status::Failed, "authctl login github"),
            (&unknown(vec![account.clone()]), Status::Failed, "its accounts are work"),
            (&taken, Status::Failed, "another name"),
            (&AccountError::Store(StoreError::Locked), Status::Store, "authctl store unlock"),
        ]);
    }
}
