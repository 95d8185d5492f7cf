//! Tests the store: writes, reads back and deletes a temporary record.

use std::time::Duration;

use crate::binding::Binding;
use crate::secret::SecretText;
use crate::store::backend::Backend;
use crate::store::error::StoreError;
use crate::store::kind::{StoreChoice, StoreKind};
use crate::store::record::RecordName;
use crate::store::revision::Revision;
use crate::store::token_store::TokenStore;

/// The length of the temporary record: as long as a record with a few tokens.
const LENGTH: usize = 4096;

/// How long each step took.
#[derive(Debug, Clone, Copy)]
pub struct Trial {
    /// The store that a new record goes to.
    pub kind: StoreKind,
    pub write: Duration,
    pub read: Duration,
    pub delete: Duration,
}

impl TokenStore<'_> {
    /// Tests the store that a new login would go to. The record's name belongs to no provider, and the record is always
    /// deleted.
    pub fn check(&self) -> Result<Trial, StoreError> {
        let mut mark = [0; 8];
        self.system.random.fill(&mut mark);
        let name = RecordName::of_trial(&base16ct::lower::encode_string(&mark));
        let kind = self.store_for(&name, false)?;
        let backend = self.backend(kind)?;
        backend.prepare()?;
        let tried = self.try_out(&*backend, &name);
        if tried.is_err() {
            // A write that failed may have succeeded in the store.
            let _ = backend.delete(&name);
        }
        tried
    }

    /// Asks the keyring for a record that no provider has; `None` if no keyring is used. That the session has a message
    /// bus proves nothing: the keyring may be locked, or authctl may refuse to send secrets to the bus.
    pub fn check_keyring(&self) -> Option<Result<(), StoreError>> {
        let ask = || {
            let name = RecordName::of_trial("keyring");
            self.backend(StoreKind::Keyring)?.read(&name, &Binding::default()).map(drop)
        };
        matches!(self.settings.choice, StoreChoice::Auto | StoreChoice::Only(StoreKind::Keyring)).then(ask)
    }

    fn try_out(&self, backend: &dyn Backend, name: &RecordName) -> Result<Trial, StoreError> {
        let binding = Binding::default();
        let text = SecretText::new("authctl doctor ".repeat(LENGTH / 15));
        let start = self.system.clock.elapsed();
        let since = |earlier: Duration| self.system.clock.elapsed().saturating_sub(earlier);
        backend.write(name, &binding, &text, &Revision::Absent)?;
        let write = since(start);
        let stored = backend.read(name, &binding)?;
        let read = since(start + write);
        if stored.is_none_or(|stored| stored.value.expose() != text.expose()) {
            return Err(StoreError::NotStored { place: backend.kind().to_string() });
        }
        backend.delete(name)?;
        let delete = since(start + write + read);
        if backend.read(name, &binding)?.is_some() {
            return Err(StoreError::NotStored { place: format!("{} (a temporary record)", backend.kind()) });
        }
        Ok(Trial { kind: backend.kind(), write, read, delete })
    }
}
