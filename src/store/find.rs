//! Finding records.

use crate::binding::Binding;
use crate::name::{AccountName, ProviderName};
use crate::store::backend::Backend;
use crate::store::destinations::Stored;
use crate::store::error::StoreError;
use crate::store::index::Entry;
use crate::store::kind::StoreKind;
use crate::store::lock::Lock;
use crate::store::record::{Record, RecordName};
use crate::store::token_store::TokenStore;

/// The result of looking up an account's record.
#[derive(Debug)]
pub enum Lookup {
    /// The record, and the store that has it.
    Found(Box<Record>, StoreKind),
    Nothing,
    /// A record with another binding than the configured one: it must not be used (F-BIND1).
    OtherBinding {
        stored: Binding,
    },
}

impl TokenStore<'_> {
    /// Finds an account's record that matches the configured binding. A store that cannot be read is an error, never
    /// [`Lookup::Nothing`].
    pub fn find(
        &self,
        provider: &ProviderName,
        account: Option<&AccountName>,
        configured: &Binding,
    ) -> Result<Lookup, StoreError> {
        self.find_with_lock(None, provider, account, configured)
    }

    /// The same for a caller that may hold the record's lock, which is needed to move a rescued record home.
    pub fn find_with_lock(
        &self,
        held: Option<&Lock>,
        provider: &ProviderName,
        account: Option<&AccountName>,
        configured: &Binding,
    ) -> Result<Lookup, StoreError> {
        let found = self.find_bound(held, provider, account, configured)?;
        let Lookup::Found(mut record, kind) = found else { return Ok(found) };
        let Some(part) = self.new_part(provider, &record) else { return Ok(Lookup::Found(record, kind)) };
        if !self.definitions.can_issue_again(provider) {
            let (provider, stored, part) = (provider.clone(), Stored::Login, Box::new(part));
            return Err(StoreError::NewPlace { provider, stored, part });
        }
        // No user logged in for these tokens, so the current definition gets new ones.
        record.forget_tokens();
        record.destinations = Some(self.destinations(provider, kind));
        Ok(Lookup::Found(record, kind))
    }

    /// Finds an account's record that matches the configured binding, whatever its destinations.
    fn find_bound(
        &self,
        held: Option<&Lock>,
        provider: &ProviderName,
        account: Option<&AccountName>,
        configured: &Binding,
    ) -> Result<Lookup, StoreError> {
        let index = self.index(provider)?;
        let Some(account) = index.account(account) else {
            return self.find_unlisted(provider, account, configured);
        };
        let Some(entry) = index.entry(account, configured) else {
            return match index.entries.iter().find(|entry| entry.account == *account) {
                Some(other) => Ok(Lookup::OtherBinding { stored: other.binding.clone() }),
                None => self.find_unlisted(provider, Some(account), configured),
            };
        };
        self.check_choice(entry)?;
        let record = self.read_entry(held, provider, entry)?;
        Ok(record.map_or(Lookup::Nothing, |record| Lookup::Found(Box::new(record), entry.store)))
    }

    /// Looks for records that the index does not list, because it was lost or authctl created them in another home. A
    /// record that is found is listed from now on.
    fn find_unlisted(
        &self,
        provider: &ProviderName,
        account: Option<&AccountName>,
        configured: &Binding,
    ) -> Result<Lookup, StoreError> {
        let mut other = None;
        let mut found: Option<(Record, StoreKind)> = None;
        for kind in self.kinds() {
            let Some(backend) = self.present(kind)? else { continue };
            let Some(names) = self.unless_absent(backend.list())? else { continue };
            for name in names.into_iter().filter(|name| name.is_tokens_of(provider)) {
                let claimed = backend.claimed_binding(&name)?.unwrap_or_default();
                let Some(record) = decode(&*backend, &name, &claimed)? else { continue };
                if account.is_some_and(|account| *account != record.account) {
                    continue;
                }
                if configured.fits(&record.binding) {
                    // If two stores have it, the newer record counts.
                    if found.as_ref().is_none_or(|(known, _)| known.age() < record.age()) {
                        found = Some((record, kind));
                    }
                    continue;
                }
                other = Some(Lookup::OtherBinding { stored: record.binding });
            }
        }
        if let Some((record, kind)) = found {
            self.update_index(provider, |index| index.insert(Entry::of(&record, kind)))?;
            return Ok(Lookup::Found(Box::new(record), kind));
        }
        Ok(other.unwrap_or(Lookup::Nothing))
    }

    /// Reads a listed record. After a refresh without a known result, the new tokens may have been rescued: they are
    /// moved home then.
    pub fn read_entry(
        &self,
        held: Option<&Lock>,
        provider: &ProviderName,
        entry: &Entry,
    ) -> Result<Option<Record>, StoreError> {
        let name = entry.name(provider);
        let in_place = self.read(entry.store, &name, &entry.binding);
        if entry.in_flight.is_none() {
            return in_place;
        }
        match self.rescued(&name, &entry.binding)? {
            Some(rescued) if follows(&rescued, &in_place, entry.store) => {
                Ok(Some(self.move_home(held, provider, rescued, entry.store, &in_place)))
            }
            _ => in_place,
        }
    }

    /// Whether a record is older than the last one saved from here. Machines that share a store do not see each other's
    /// index.
    pub fn is_older_than_saved(&self, provider: &ProviderName, record: &Record, kind: StoreKind) -> bool {
        let Ok(index) = self.index(provider) else { return false };
        let entry = index.entry(&record.account, &record.binding);
        !kind.is_shared() && entry.is_some_and(|entry| entry.generation > record.generation)
    }

    pub fn read(
        &self,
        kind: StoreKind,
        name: &RecordName,
        binding: &Binding,
    ) -> Result<Option<Record>, StoreError> {
        decode(&*self.backend(kind)?, name, binding)
    }
}

pub(super) fn decode(
    backend: &dyn Backend,
    name: &RecordName,
    binding: &Binding,
) -> Result<Option<Record>, StoreError> {
    let Some(stored) = backend.read(name, binding)? else { return Ok(None) };
    let mut record = Record::decode(&stored.value, name)
        .map_err(|error| StoreError::corrupt(format!("the record {name} in {}", backend.kind()), error))?;
    record.revision = stored.revision;
    Ok(Some(record))
}

/// Whether a rescued record is a later state of the same session as the stored one, rather than another login.
fn follows(rescued: &Record, in_place: &Result<Option<Record>, StoreError>, kind: StoreKind) -> bool {
    match in_place {
        Ok(Some(present)) => {
            present.logged_in_at == rescued.logged_in_at && present.generation < rescued.generation
        }
        // Another machine may have logged out.
        Ok(None) => !kind.is_shared(),
        Err(_) => true,
    }
}
