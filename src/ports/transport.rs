//! How to reach a provider's servers.

use std::path::PathBuf;
use std::time::Duration;

use crate::secret::SecretText;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Transport {
    /// Additional certificate authorities, in PEM.
    pub ca_file: Option<PathBuf>,
    /// The proxy, instead of the environment's.
    pub proxy: Option<String>,
    /// The time limit of one exchange, from connecting to the last byte.
    pub timeout: Duration,
    /// The client certificate (RFC 8705).
    pub identity: Option<ClientIdentity>,
}

impl Default for Transport {
    fn default() -> Self {
        Self { ca_file: None, proxy: None, timeout: Duration::from_secs(30), identity: None }
    }
}

#[derive(Clone)]
pub struct ClientIdentity {
    pub pem: SecretText,
    /// The certificate's `x5t#S256`: base64url of the SHA-256 of its DER form (RFC 8705 section 3.1).
    pub thumbprint: String,
}

impl PartialEq for ClientIdentity {
    fn eq(&self, other: &Self) -> bool {
        self.thumbprint == other.thumbprint
    }
}

impl Eq for ClientIdentity {}

impl std::hash::Hash for ClientIdentity {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.thumbprint.hash(state);
    }
}

impl std::fmt::Debug for ClientIdentity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "ClientIdentity({})", self.thumbprint)
    }
}
