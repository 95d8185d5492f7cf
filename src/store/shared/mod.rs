//! Engines that several machines share: what authctl needs of one, and what the configuration says of it. Everything is
//! sealed before it goes there.

pub mod etcd;
pub mod vault;

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use crate::oauth::endpoint::EndpointUrl;
use crate::ports::{ClientIdentity, System, Transport};
use crate::secret::SecretText;
use crate::store::sealed::blobs::Blob;
use crate::store::shared::etcd::Etcd;
use crate::store::shared::vault::Vault;
use crate::store::{Revision, StoreError, StoreKind};

/// An engine holds a lock for this long after its holder has died; a refresh with its one repetition ends before.
pub const LOCK_LIFE: Duration = Duration::from_secs(55);
/// How long one request to a node may take: then the next node is asked.
pub const NODE_TIMEOUT: Duration = Duration::from_secs(3);

/// A key-value engine with compare and swap.
pub trait Engine {
    /// Its kind.
    fn kind(&self) -> StoreKind;
    /// Reads a key; `None` when there is nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    fn get(&self, key: &str) -> Result<Option<Blob>, StoreError>;
    /// Replaces the state `over` of a key. A write whose answer was lost is found out about, never guessed.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the key is in another state.
    fn put(&self, key: &str, bytes: &[u8], over: &Revision) -> Result<Revision, StoreError>;
    /// Removes a key; `false` when there was none.
    ///
    /// # Errors
    /// [`StoreError`].
    fn delete(&self, key: &str) -> Result<bool, StoreError>;
    /// The keys that begin with a prefix, without it.
    ///
    /// # Errors
    /// [`StoreError`].
    fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError>;
    /// Takes a lock among all machines. It keeps two from refreshing at the same time; what makes that safe is the compare
    /// and swap of the write.
    ///
    /// # Errors
    /// [`StoreError::LockTimeout`] after `limit`.
    fn lock(self: Rc<Self>, key: &str, limit: Duration) -> Result<Box<dyn EngineLock>, StoreError>;
}

/// A lock among machines, until it is dropped.
pub trait EngineLock: std::fmt::Debug {}

/// What the configuration says of a shared engine.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Which engine, and where.
    pub address: EngineAddress,
    /// What our keys begin with.
    pub prefix: String,
    /// Further certificate authorities.
    pub ca_file: Option<PathBuf>,
}

/// Which engine, and where.
#[derive(Debug, Clone)]
pub enum EngineAddress {
    /// etcd, version 3.
    Etcd {
        /// Its nodes.
        endpoints: Vec<EndpointUrl>,
        /// Our user there.
        username: Option<String>,
    },
    /// Vault or OpenBao: a secrets engine `kv` of version 2.
    Vault {
        /// The server.
        address: EndpointUrl,
        /// Where the secrets engine is mounted.
        mount: String,
        /// The namespace.
        namespace: Option<String>,
    },
}

impl EngineSettings {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> StoreKind {
        match self.address {
            EngineAddress::Etcd { .. } => StoreKind::Etcd,
            EngineAddress::Vault { .. } => StoreKind::Vault,
        }
    }
}

/// What a shared engine asks for before it lets us in. It is got when it is first needed: a program may have to run.
pub trait EngineCredentials {
    /// The password of the user, or the token.
    ///
    /// # Errors
    /// [`StoreError::EngineCredential`].
    fn secret(&self) -> Result<Option<SecretText>, StoreError>;
    /// The client certificate.
    ///
    /// # Errors
    /// [`StoreError::EngineCredential`].
    fn identity(&self) -> Result<Option<ClientIdentity>, StoreError>;
}

/// Opens an engine. Nothing is sent yet.
///
/// # Errors
/// [`StoreError::EngineCredential`].
pub fn open(
    system: &System,
    settings: &EngineSettings,
    credentials: &dyn EngineCredentials,
) -> Result<Rc<dyn Engine>, StoreError> {
    let transport = Transport {
        ca_file: settings.ca_file.clone(),
        timeout: NODE_TIMEOUT,
        identity: credentials.identity()?,
        ..Transport::default()
    };
    let secret = credentials.secret()?;
    let prefix = settings.prefix.clone();
    Ok(match &settings.address {
        EngineAddress::Etcd { endpoints, username } => {
            let user = username.clone().zip(secret);
            Rc::new(Etcd::new(system.clone(), transport, endpoints.clone(), prefix, user))
        }
        EngineAddress::Vault { address, mount, namespace } => {
            let place = (mount.clone(), prefix);
            Rc::new(Vault::new(system.clone(), transport, address.clone(), place, namespace.clone(), secret))
        }
    })
}
