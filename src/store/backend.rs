//! A place for records: what every store can do, and what can be wrong with it.

use super::keyring::KeyringFault;
use super::reach::{NewPart, Stored};
use super::record::RecordName;
use crate::binding::Binding;
use crate::name::{AccountName, ProviderName};
use crate::os::private_file::FileError;
use crate::ports::{NoFolder, NoKeyring, ProcessError};
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

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The keyring cannot be used.
    #[error("the keyring cannot be used")]
    Keyring(#[source] KeyringFault),
    /// There is no keyring.
    #[error(transparent)]
    NoKeyring(#[from] NoKeyring),
    /// A file cannot be used.
    #[error("the token store cannot be used")]
    File(#[from] FileError),
    /// There is no folder for it.
    #[error(transparent)]
    NoFolder(#[from] NoFolder),
    /// A record cannot be read. It is kept.
    #[error("{place} cannot be read, and was left as it is: {reason}")]
    Corrupt {
        /// Where it is.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// Another process or machine has changed the record meanwhile.
    #[error("{place} was changed by somebody else meanwhile")]
    Conflict {
        /// Where it is.
        place: String,
    },
    /// The target of a move holds something else under this name.
    #[error("there is another {place} already, so nothing was moved over it")]
    Occupied {
        /// Where.
        place: String,
    },
    /// What was rescued of a record does not go into its place.
    #[error("new tokens of {place} could not be saved yet, so it was not moved")]
    NotHome {
        /// Which record.
        place: String,
    },
    /// What a refresh brought could not be saved in its place.
    #[error(
        "the new tokens could not be saved in {store}, and are kept in a sealed file until the next run moves them home"
    )]
    Rescued {
        /// Where they belong.
        store: StoreKind,
        /// Why they are not there.
        source: Box<StoreError>,
    },
    /// Several entries of one name.
    #[error("{place} is there {count} times, and it cannot be told which one is right")]
    Ambiguous {
        /// Where.
        place: String,
        /// How often.
        count: usize,
    },
    /// The store takes no record of this length.
    #[error("{place} takes at most {limit} characters")]
    TooLong {
        /// Where.
        place: String,
        /// The limit.
        limit: u32,
    },
    /// The store did not keep what was written.
    #[error("{place} did not keep what was written")]
    NotKept {
        /// Where.
        place: String,
    },
    /// The key of the sealed files is gone.
    #[error("there are sealed records, but their key {path} is not there")]
    KeyMissing {
        /// Where it should be.
        path: String,
    },
    /// The sealed files' passphrase was not given, or not lately.
    #[error("the sealed files are locked with a passphrase")]
    Locked,
    /// Another passphrase.
    #[error("that is not the passphrase of the sealed files")]
    WrongPassphrase,
    /// The program's key opens nothing.
    #[error("the key that the program printed is not that of the sealed files")]
    WrongKey,
    /// The program printed no key.
    #[error("the program did not print a key: 32 bytes in base64")]
    NoKeyPrinted,
    /// The program failed.
    #[error("the program that prints the store's key failed")]
    KeyProgram(#[from] ProcessError),
    /// The key is kept in another way than the configuration says.
    #[error("the sealed files' key is kept as `{found}`, but the configuration says key = \"{configured}\"")]
    OtherKeySource {
        /// How it is kept.
        found: String,
        /// How it should be.
        configured: &'static str,
    },
    /// A program printed the key so far, and nothing says which.
    #[error("the sealed files' key was printed by a program that the configuration no longer names")]
    OldProgramNeeded,
    /// A shared engine cannot be used.
    #[error("{kind} cannot be used: {reason}")]
    Engine {
        /// Which.
        kind: StoreKind,
        /// Why, escaped.
        reason: String,
    },
    /// What lets us into a shared engine cannot be had.
    #[error("what lets us into {kind} cannot be had")]
    EngineCredential {
        /// Which engine.
        kind: StoreKind,
        /// Why.
        source: Box<dyn std::error::Error>,
    },
    /// No such engine is configured.
    #[error("no {0} is configured")]
    NoEngine(StoreKind),
    /// Only the environment says where Vault is, and its token comes from somewhere else.
    #[error("VAULT_ADDR is used only with a token from the environment; nothing was sent")]
    TokenWithheld,
    /// The passphrase cannot be remembered.
    #[error("a passphrase needs the kernel's keyring: {0}")]
    NoKernelKeyring(String),
    /// The account is in another store than the configured one (F-KR2).
    #[error("{account} is stored in {actual}, but the configuration says store = \"{configured}\"", configured = configured.name())]
    OtherStore {
        /// The account.
        account: AccountName,
        /// Where it is.
        actual: StoreKind,
        /// Where the configuration says it is.
        configured: StoreKind,
    },
    /// The definition that is in force would send what is stored to a place that it was not stored for.
    #[error("{}", new_place(provider, stored, part))]
    NewPlace {
        /// The provider.
        provider: ProviderName,
        /// What is stored.
        stored: Stored,
        /// What the definition says that is new.
        part: Box<NewPart>,
    },
    /// Another file than the user's own says which server would be shown what opens the shared store.
    #[error("what opens {kind} is not for {what}, which {origin} sets; nothing was sent", what = part.what, origin = part.origin)]
    NewServer {
        /// Which store.
        kind: StoreKind,
        /// What that file says.
        part: Box<NewPart>,
    },
    /// Another process holds the lock.
    #[error("waited {} seconds for the lock {path}, which another process holds", waited.as_secs())]
    LockTimeout {
        /// The lock's file.
        path: String,
        /// How long it was waited for.
        waited: Duration,
    },
}

fn new_place(provider: &ProviderName, stored: &Stored, part: &NewPart) -> String {
    let NewPart { what, origin, is_recorded, .. } = part;
    let stored = match stored {
        Stored::Login => format!("the login to `{provider}`"),
        Stored::Secret(key) => format!("the stored `{key}` of `{provider}`"),
    };
    if *is_recorded {
        format!("{stored} is not for {what}, which {origin} sets; nothing was sent")
    } else {
        format!(
            "{stored} does not say which hosts it is for, and {what} from {origin} is not in your own config file; nothing was sent"
        )
    }
}
