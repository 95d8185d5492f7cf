//! Saves and forgets records. A record is written before it is listed, and deleted before it is removed from the list.

use crate::binding::Binding;
use crate::failpoint;
use crate::name::ProviderName;
use crate::store::error::StoreError;
use crate::store::index::{Entry, Index};
use crate::store::kind::StoreKind;
use crate::store::lock::Lock;
use crate::store::record::Record;
use crate::store::token_store::TokenStore;

impl TokenStore<'_> {
    /// Saves a record, increments its generation and lists it. The caller holds the record's lock. When this returns,
    /// the record is on stable storage.
    pub fn save(
        &self,
        _: &Lock,
        provider: &ProviderName,
        record: &mut Record,
        kind: StoreKind,
    ) -> Result<(), StoreError> {
        // Earlier versions did not record the destinations. Only a definition that may use the record may supply them.
        if record.destinations.is_none() {
            if record.generation == 0 {
                record.destinations = Some(self.destinations(provider, kind));
            } else if self.new_part(provider, record).is_none() {
                // The record says nothing about the other providers that the current definition may hand its tokens to.
                record.destinations = Some(self.destinations(provider, kind).without_consumers());
            }
        }
        record.generation += 1;
        let name = record.name(provider);
        record.revision =
            self.backend(kind)?.write(&name, &record.binding, &record.encode(), &record.revision)?;
        failpoint::crash("written");
        self.update_index(provider, |index| index.insert(Entry::of(record, kind)))?;
        // A rescued record is contained in this one, or belongs to a session that this one replaces.
        self.forget_rescued(&name);
        Ok(())
    }

    /// Forgets the records that a new login replaces: those of the account that were listed before and that the
    /// configuration selects too, such as one for a token endpoint that has moved, or one in another store.
    pub fn forget_superseded(
        &self,
        provider: &ProviderName,
        record: &Record,
        kind: StoreKind,
        configured: &Binding,
        before: &Index,
    ) -> Result<(), StoreError> {
        let is_new = |entry: &Entry| entry.binding == record.binding && entry.store == kind;
        let superseded = before.entries.iter().filter(|entry| {
            entry.account == record.account && configured.fits(&entry.binding) && !is_new(entry)
        });
        for entry in superseded {
            let name = entry.name(provider);
            let _lock = self.lock(entry.store, &name)?;
            self.backend(entry.store)?.delete(&name)?;
            if entry.binding != record.binding {
                self.update_index(provider, |index| index.remove(&entry.account, &entry.binding))?;
            }
        }
        Ok(())
    }

    /// Removes a record from every store that has a copy, and from the list. The caller holds the record's lock.
    pub fn forget(&self, _: &Lock, provider: &ProviderName, entry: &Entry) -> Result<(), StoreError> {
        let name = entry.name(provider);
        self.backend(entry.store)?.delete(&name)?;
        for kind in self.kinds().into_iter().filter(|&kind| kind != entry.store) {
            if let Ok(Some(backend)) = self.present(kind) {
                // Another version left a copy. If it cannot be removed, it is not listed either.
                let _ = backend.delete(&name);
            }
        }
        self.forget_rescued(&name);
        self.update_index(provider, |index| index.remove(&entry.account, &entry.binding))
    }
}
