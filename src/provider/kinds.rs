//! The list of all provider kinds and OAuth grants, which the grammar, masking, schema and help use.

use std::collections::BTreeSet;

use super::kind::Kind;
use super::{
    api_key, authorization_code, basic, ciba, client_credentials, command, device_code, environment,
    external, github_actions, jwt, jwt_bearer, token_exchange,
};
use crate::schema::Key;

pub const KINDS: &[&Kind] = &[
    &authorization_code::KIND,
    &device_code::KIND,
    &client_credentials::KIND,
    &token_exchange::KIND,
    &jwt_bearer::KIND,
    &ciba::KIND,
    &token_exchange::EXTENSION,
    &jwt::KIND,
    &api_key::KIND,
    &basic::KIND,
    &environment::KIND,
    &github_actions::KIND,
    &command::KIND,
    &external::KIND,
];

/// Every name of a kind in the configuration.
pub fn kind_names() -> BTreeSet<&'static str> {
    KINDS.iter().flat_map(|kind| [Some(kind.name), kind.alias]).flatten().collect()
}

impl Kind {
    /// The kinds of a name or an alias: none, one, or each grant of `oauth`.
    pub fn named(name: &str) -> impl Iterator<Item = &'static Self> + Clone {
        KINDS.iter().copied().filter(move |kind| kind.is_named(name))
    }

    /// Whether a kind has this name or alias.
    pub fn exists(name: &str) -> bool {
        Self::named(name).next().is_some()
    }

    /// The keys of all kinds with this name. Several grants may declare the same key.
    pub fn keys_of(name: &str) -> impl Iterator<Item = &'static Key> + Clone {
        Self::named(name).flat_map(Self::all_keys)
    }
}
