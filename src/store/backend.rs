//! A place for records: what every store can do.

use super::error::StoreError;
use super::record::RecordName;
use crate::binding::Binding;
use crate::secret::SecretText;
use crate::store::sealed::key_source::KeySource;
use crate::store::shared::EngineSettings;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// The operating system's keyring.
    Keyring,
    /// Sealed files.
    File,
    /// etcd, which several machines share.
    Etcd,
    /// Vault or OpenBao, which several machines share.
    Vault,
}

impl StoreKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Keyring, Self::File, Self::Etcd, Self::Vault];

    /// Whether several machines share it.
    #[must_use]
    pub fn is_shared(self) -> bool {
        matches!(self, Self::Etcd | Self::Vault)
    }

    /// The name, as the configuration has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::File => "file",
            Self::Etcd => "etcd",
            Self::Vault => "vault",
        }
    }
}

impl std::fmt::Display for StoreKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Keyring => "the keyring",
            Self::File => "a sealed file",
            Self::Etcd => "etcd",
            Self::Vault => "Vault",
        })
    }
}

/// What the configuration says of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StoreChoice {
    /// The keyring where there is one, else sealed files.
    #[default]
    Auto,
    /// This kind alone.
    Only(StoreKind),
}

/// Which state of a record a write replaces: it fails where the record is in another one (compare and swap). A lock keeps
/// that from happening on one machine; on several it only makes it rare.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Revision {
    /// There was none.
    #[default]
    Absent,
    /// The one that was read.
    At(String),
    /// Whatever is there: it cannot be read, or it does not matter.
    Any,
}

impl Revision {
    /// The revision of these bytes, for stores that have no count of their own.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
        Self::At(base16ct::lower::encode_string(digest.as_ref()))
    }

    /// Whether a write over this may replace what is there.
    #[must_use]
    pub fn allows(&self, present: &Self) -> bool {
        matches!(self, Self::Any) || self == present
    }
}

/// What a store holds under a name.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The text.
    pub text: SecretText,
    /// Its state.
    pub revision: Revision,
}

/// Everything that the configuration says of the store.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// Which store.
    pub choice: StoreChoice,
    /// Where the key of sealed files comes from.
    pub key: KeySource,
    /// How long a passphrase is remembered.
    pub remembered_for: Duration,
    /// The shared engine, where one is configured.
    pub engine: Option<EngineSettings>,
    /// Only the environment says where Vault is, and its token comes from somewhere else.
    pub withholds_token: bool,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            choice: StoreChoice::default(),
            key: KeySource::default(),
            remembered_for: Duration::from_secs(8 * 3600),
            engine: None,
            withholds_token: false,
        }
    }
}

/// A place for records.
pub trait Backend {
    /// Its kind.
    fn kind(&self) -> StoreKind;
    /// Reads a record; `None` when there is none, which a store that cannot be read never says.
    ///
    /// # Errors
    /// [`StoreError`].
    fn read(&self, name: &RecordName, binding: &Binding) -> Result<Option<Kept>, StoreError>;
    /// Replaces the state `over` of a record, or makes it. When it returns, the record is on stable storage, in the state
    /// that is returned.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the record is in another state.
    fn write(
        &self,
        name: &RecordName,
        binding: &Binding,
        text: &SecretText,
        over: &Revision,
    ) -> Result<Revision, StoreError>;
    /// Removes a record; `false` when there was none.
    ///
    /// # Errors
    /// [`StoreError`].
    fn delete(&self, name: &RecordName) -> Result<bool, StoreError>;
    /// Makes what a first record needs.
    ///
    /// # Errors
    /// [`StoreError`].
    fn prepare(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// The names of all records, where the store can tell.
    ///
    /// # Errors
    /// [`StoreError`].
    fn names(&self) -> Result<Vec<RecordName>, StoreError>;
    /// The binding that a record claims before it is opened, for stores that need it to read.
    ///
    /// # Errors
    /// [`StoreError`].
    fn claimed_binding(&self, _: &RecordName) -> Result<Option<Binding>, StoreError> {
        Ok(None)
    }
}
