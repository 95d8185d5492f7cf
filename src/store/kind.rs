//! The kinds of stores.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    Keyring,
    /// Encrypted files.
    File,
    /// etcd, which several machines share.
    Etcd,
    /// Vault or OpenBao, which several machines share.
    Vault,
}

impl StoreKind {
    pub const ALL: [Self; 4] = [Self::Keyring, Self::File, Self::Etcd, Self::Vault];

    /// Whether several machines share it.
    pub fn is_shared(self) -> bool {
        matches!(self, Self::Etcd | Self::Vault)
    }

    /// The name in the configuration.
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
            Self::File => "an encrypted file",
            Self::Etcd => "etcd",
            Self::Vault => "Vault",
        })
    }
}

/// The configured store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StoreChoice {
    /// The keyring if there is one, else encrypted files.
    #[default]
    Auto,
    Only(StoreKind),
}
