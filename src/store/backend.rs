//! What every store can do.

use std::path::PathBuf;

use crate::binding::Binding;
use crate::secret::SecretText;
use crate::store::error::StoreError;
use crate::store::kind::StoreKind;
use crate::store::lock::Lock;
use crate::store::record::RecordName;
use crate::store::revision::{Revision, Versioned};

pub trait Backend {
    fn kind(&self) -> StoreKind;

    /// Reads a record. A store that cannot be read is an error, never `None`.
    fn read(&self, name: &RecordName, binding: &Binding)
    -> Result<Option<Versioned<SecretText>>, StoreError>;

    /// Creates a record, or replaces its state `over`; [`StoreError::Conflict`] if it is in another state. When this
    /// returns, the record is on stable storage, in the returned state.
    fn write(
        &self,
        name: &RecordName,
        binding: &Binding,
        text: &SecretText,
        over: &Revision,
    ) -> Result<Revision, StoreError>;

    /// Deletes a record; `false` if it did not exist.
    fn delete(&self, name: &RecordName) -> Result<bool, StoreError>;

    /// The names of all records, if the store can list them.
    fn list(&self) -> Result<Vec<RecordName>, StoreError>;

    /// The file that locks a record among processes.
    fn lock_path(&self, name: &RecordName) -> Result<PathBuf, StoreError>;

    /// Locks a record. The lock belongs to the store: everyone who shares the store shares the lock (F-ROT3).
    fn lock(&self, name: &RecordName) -> Result<Lock, StoreError>;

    /// Creates what a first record needs.
    fn prepare(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// The binding that a record claims before it is opened, for stores that need the binding to open it.
    fn claimed_binding(&self, _: &RecordName) -> Result<Option<Binding>, StoreError> {
        Ok(None)
    }
}
