//! The kinds of stores.

use serde::{Deserialize, Serialize};

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
    pub fn is_shared(self) -> bool {
        matches!(self, Self::Etcd | Self::Vault)
    }

    /// The name, as the configuration has it.
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
