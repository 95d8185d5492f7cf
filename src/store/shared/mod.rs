//! Stores that several machines share, and their settings.

mod etcd;
mod vault;

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use crate::oauth::endpoint::EndpointUrl;
use crate::ports::{ClientIdentity, System, Transport};
use crate::secret::SecretText;
use crate::store::bytes::Bytes;
use crate::store::kind::StoreKind;
use crate::store::shared::etcd::Etcd;
use crate::store::shared::vault::Vault;

/// How long one request to a node may take, before the next node is tried.
const NODE_TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Debug, Clone)]
pub struct SharedSettings {
    pub address: SharedAddress,
    /// The prefix of authctl's keys.
    pub prefix: String,
    /// Additional certificate authorities.
    pub ca_file: Option<PathBuf>,
}

#[derive(Debug, Clone)]
pub enum SharedAddress {
    /// etcd version 3.
    Etcd { endpoints: Vec<EndpointUrl>, username: Option<String> },
    /// Vault or OpenBao, with a `kv` version 2 secrets engine.
    Vault {
        address: EndpointUrl,
        /// Where the secrets engine is mounted.
        mount: String,
        namespace: Option<String>,
    },
}

impl SharedSettings {
    pub fn kind(&self) -> StoreKind {
        match self.address {
            SharedAddress::Etcd { .. } => StoreKind::Etcd,
            SharedAddress::Vault { .. } => StoreKind::Vault,
        }
    }
}

/// What authenticates authctl to a shared store.
#[derive(Default)]
pub struct SharedCredentials {
    /// The user's password, or the token.
    pub secret: Option<SecretText>,
    pub identity: Option<ClientIdentity>,
}

/// Opens a shared store. Nothing is sent yet.
pub(super) fn open(
    system: &System,
    settings: &SharedSettings,
    credentials: SharedCredentials,
) -> Rc<dyn Bytes> {
    let SharedCredentials { secret, identity } = credentials;
    let ca_file = settings.ca_file.clone();
    let transport = Transport { ca_file, timeout: NODE_TIMEOUT, identity, ..Transport::default() };
    let prefix = settings.prefix.clone();
    match &settings.address {
        SharedAddress::Etcd { endpoints, username } => {
            let user = username.clone().zip(secret);
            Rc::new(Etcd::new(system.clone(), transport, endpoints.clone(), prefix, user))
        }
        SharedAddress::Vault { address, mount, namespace } => {
            let place = (mount.clone(), prefix);
            Rc::new(Vault::new(system.clone(), transport, address.clone(), place, namespace.clone(), secret))
        }
    }
}
