//! A stored secret's destinations: what its provider's definition said when the secret was stored. A variable or an
//! option can replace the definition later, but the secret is still sent only to these hosts.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::name::ProviderName;
use crate::store::kind::StoreKind;

/// The prefix of a consumer's recorded parts: a consumer receives the provider's tokens. No key of a provider starts
/// like this.
pub const CONSUMER: &str = "for ";

/// Where a provider's definition sends its secrets, and which servers it trusts with them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destinations {
    /// The hosts, and every other part as its key with a digest of its value.
    pub parts: BTreeSet<String>,
    /// The paths of the user's own config files: only these may add a part later. Empty in a store that several
    /// machines share, because their paths differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_files: Vec<String>,
}

impl Destinations {
    /// Without the consumers that the provider's tokens may be handed to.
    pub(super) fn without_consumers(mut self) -> Self {
        self.parts.retain(|part| !part.starts_with(CONSUMER));
        self
    }

    pub(super) fn recorded_in(self, kind: StoreKind) -> Self {
        if kind.is_shared() { Self { own_files: Vec::new(), ..self } } else { self }
    }
}

/// A part of a definition that did not exist when the secret was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPart {
    /// For example "the host api.example.com".
    pub what: String,
    /// Where it is configured.
    pub origin: String,
    /// Whether the secret's destinations were recorded: earlier versions did not record them.
    pub is_recorded: bool,
    /// The user's own config file, which may add the part.
    pub own_file: Option<String>,
}

/// The current definitions of providers.
pub trait Definitions {
    /// The destinations in a provider's current definition, with those of the consumers of its tokens.
    fn destinations(&self, provider: &ProviderName) -> Destinations;
    /// The first part of these definitions that neither the recorded destinations nor the user's own files contain.
    fn new_part(&self, provider: &ProviderName, recorded: Option<&Destinations>) -> Option<NewPart>;
    /// Whether a provider's tokens can be issued again without the user.
    fn can_issue_again(&self, provider: &ProviderName) -> bool;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    Login,
    /// A configured secret, by its key.
    Secret(String),
}
