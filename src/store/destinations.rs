//! The destinations of a stored secret: what its provider's definition said when it was stored. A variable or an option can
//! replace the definition later, but the secret is still sent only to those hosts.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::name::ProviderName;
use crate::store::kind::StoreKind;

/// What the recorded parts of a consumer begin with: something that the provider's tokens are handed on to. No key of a
/// provider begins like this.
pub const CONSUMER: &str = "for ";

/// Where a provider's definition sends its secrets, and which servers it trusts with them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destinations {
    /// The hosts, and every other part as its key with a digest of its value.
    pub parts: BTreeSet<String>,
    /// The paths of the files that were the user's own: only those may add a part later. Empty for a store that several
    /// machines share, where paths differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_files: Vec<String>,
}

impl Destinations {
    /// Without what the provider's tokens may be handed on to.
    pub(super) fn without_consumers(mut self) -> Self {
        self.parts.retain(|part| !part.starts_with(CONSUMER));
        self
    }

    /// As they are recorded in a store.
    pub(super) fn recorded_in(self, kind: StoreKind) -> Self {
        if kind.is_shared() { Self { own_files: Vec::new(), ..self } } else { self }
    }
}

/// A part of a definition that a stored secret was not stored for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPart {
    /// What it is, as in "the host api.example.com".
    pub what: String,
    /// Where it is written.
    pub origin: String,
    /// Whether it is known what the secret was stored for: earlier versions did not record it.
    pub is_recorded: bool,
    /// The user's own config file, which may add it.
    pub own_file: Option<String>,
}

/// The definitions of providers that are in force.
pub trait Definitions {
    /// What the definition of a provider says now, with the definitions of what its tokens are handed on to.
    fn destinations(&self, provider: &ProviderName) -> Destinations;
    /// The first part of these definitions that neither a recorded destinations nor the user's own files have.
    fn new_part(&self, provider: &ProviderName, recorded: Option<&Destinations>) -> Option<NewPart>;
    /// Whether a provider's tokens can be issued again without the user.
    fn can_issue_again(&self, provider: &ProviderName) -> bool;
}

/// What is stored for a provider, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// Tokens.
    Login,
    /// A secret of the configuration, by its key.
    Secret(String),
}
