//! Moves everything to another store.

use crate::binding::Binding;
use crate::name::ProviderName;
use crate::secret::SecretText;
use crate::store::backend::Backend;
use crate::store::error::StoreError;
use crate::store::find::decode;
use crate::store::index::Entry;
use crate::store::kind::StoreKind;
use crate::store::record::RecordName;
use crate::store::revision::{Revision, Versioned};
use crate::store::token_store::TokenStore;

#[derive(Debug, Default)]
pub struct Moved {
    pub accounts: Vec<(ProviderName, Entry)>,
    pub secrets: usize,
}

impl TokenStore<'_> {
    /// Lists what other machines have saved in a shared store.
    fn list_all(&self, kind: StoreKind) -> Result<(), StoreError> {
        let backend = self.backend(kind)?;
        for name in backend.list()? {
            let Some(provider) = name.provider() else { continue };
            let binding = backend.claimed_binding(&name)?.unwrap_or_default();
            if let Some(record) = decode(&*backend, &name, &binding)? {
                self.update_index(&provider, |index| {
                    // What is listed in another store is a different record.
                    if index.entry(&record.account, &record.binding).is_none() {
                        index.insert(Entry::of(&record, kind));
                    }
                })?;
            }
        }
        Ok(())
    }

    /// Moves everything to one store, except for the providers that `stays` selects. Each record is written there and
    /// read back before it is deleted here. After an error, what was not moved is unchanged.
    pub fn move_all(
        &self,
        to: StoreKind,
        secrets: &[(RecordName, Binding)],
        stays: &dyn Fn(&ProviderName) -> bool,
    ) -> Result<Moved, StoreError> {
        let target = self.backend(to)?;
        target.prepare()?;
        let mut moved = Moved::default();
        for kind in self.reachable().into_iter().filter(|kind| *kind != to && kind.is_shared()) {
            self.list_all(kind)?;
        }
        for provider in self.listed()?.into_iter().filter(|provider| !stays(provider)) {
            for entry in self.index(&provider)?.entries.into_iter().filter(|entry| entry.store != to) {
                if self.move_account(&*target, &provider, &entry)? {
                    moved.accounts.push((provider.clone(), entry));
                }
            }
        }
        for (name, binding) in secrets {
            for from in self.reachable().into_iter().filter(|from| *from != to) {
                moved.secrets += usize::from(self.move_secret(&*target, from, name, binding)?);
            }
        }
        Ok(moved)
    }

    fn move_account(
        &self,
        target: &dyn Backend,
        provider: &ProviderName,
        entry: &Entry,
    ) -> Result<bool, StoreError> {
        let name = entry.name(provider);
        let source = self.backend(entry.store)?;
        let lock = source.lock(&name)?;
        let _other = target.lock(&name)?;
        // A rescued record belongs to it: if that cannot be moved home, nothing is moved.
        self.read_entry(Some(&lock), provider, entry)?;
        if self.rescued(&name, &entry.binding)?.is_some() {
            return Err(StoreError::UnsavedTokens { place: name.to_string() });
        }
        if !move_one(&*source, target, &name, &entry.binding)? {
            return Ok(false);
        }
        let moved = Entry { store: target.kind(), ..entry.clone() };
        self.update_index(provider, |index| index.insert(moved))?;
        if let Err(error) = source.delete(&name) {
            self.may_keep_old_copy(entry.store, &error);
        }
        Ok(true)
    }

    fn move_secret(
        &self,
        target: &dyn Backend,
        from: StoreKind,
        name: &RecordName,
        binding: &Binding,
    ) -> Result<bool, StoreError> {
        let Ok(source) = self.backend(from) else { return Ok(false) };
        let is_moved = match move_one(&*source, target, name, binding) {
            Err(error) if error.is_keyring_absent() => false,
            // It is already there.
            Err(error @ StoreError::Keyring(_)) if target.read(name, binding)?.is_some() => {
                self.may_keep_old_copy(from, &error);
                false
            }
            is_moved => is_moved?,
        };
        if is_moved && let Err(error) = source.delete(name) {
            self.may_keep_old_copy(from, &error);
        }
        Ok(is_moved)
    }
}

/// Copies a record and verifies the copy; `false` if the record does not exist.
fn move_one(
    from: &dyn Backend,
    to: &dyn Backend,
    name: &RecordName,
    binding: &Binding,
) -> Result<bool, StoreError> {
    let Some(stored) = from.read(name, binding)? else { return Ok(false) };
    let text = stored.value;
    let is_same = |copy: &Versioned<SecretText>| copy.value.expose() == text.expose();
    match to.write(name, binding, &text, &Revision::Absent) {
        // An interrupted move wrote it.
        Err(StoreError::Conflict { .. }) if to.read(name, binding)?.is_some_and(|copy| is_same(&copy)) => {}
        Err(StoreError::Conflict { .. }) => {
            return Err(StoreError::Occupied { place: format!("{name} in {}", to.kind()) });
        }
        Err(error @ StoreError::NotStored { .. }) => {
            // It did not exist before.
            let _ = to.delete(name);
            return Err(error);
        }
        written => drop(written?),
    }
    let same = to.read(name, binding)?.is_some_and(|copy| is_same(&copy));
    if same { Ok(true) } else { Err(StoreError::NotStored { place: format!("{name} in {}", to.kind()) }) }
}
