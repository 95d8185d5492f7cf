//! Where sealed bytes are stored: a folder of files, or a store that several machines share.

use std::rc::Rc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::store::error::StoreError;
use crate::store::kind::StoreKind;
use crate::store::lock::SharedLock;
use crate::store::revision::{Revision, Versioned};

pub(super) const RECORDS: &str = "records/";
pub(super) const LOCKS: &str = "locks/";
/// The name of the key file, if several machines share it.
pub(super) const KEY_FILE: &str = "store.key";

/// Key-value storage with compare and swap. Everything is sealed before it is written here.
pub trait Bytes {
    fn kind(&self) -> StoreKind;

    /// Where a key is, for messages.
    fn location(&self, key: &str) -> String {
        format!("{key} in {}", self.kind())
    }

    /// Reads a key. Storage that cannot be read is an error, never `None`.
    fn read(&self, key: &str) -> Result<Option<Versioned<Zeroizing<Vec<u8>>>>, StoreError>;

    /// Replaces the state `over` of a key; [`StoreError::Conflict`] if the key is in another state. If the response to
    /// a write was lost, the stored value tells whether it succeeded.
    fn write(&self, key: &str, bytes: &[u8], over: &Revision) -> Result<Revision, StoreError>;

    /// Deletes a key; `false` if it did not exist.
    fn delete(&self, key: &str) -> Result<bool, StoreError>;

    /// The keys that start with a prefix, without the prefix.
    fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError>;

    /// Locks a key among the machines that share the storage, if there are several. This prevents simultaneous
    /// refreshes; the compare-and-swap of the write makes it safe.
    fn lock(self: Rc<Self>, key: &str, limit: Duration) -> Result<Option<SharedLock>, StoreError>;

    /// Prepares for the first record. If the storage is unreachable or rejects authctl, this fails before a token can
    /// be lost.
    fn prepare(&self) -> Result<(), StoreError> {
        self.read(KEY_FILE).map(drop)
    }
}
