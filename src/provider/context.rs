//! The context of a provider's methods.

use std::collections::BTreeSet;

use crate::binding::Binding;
use crate::name::ProviderName;
use crate::ports::System;
use crate::secret_source::Resolver;
use crate::store::TokenStore;

#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub system: &'a System,
    pub store: &'a TokenStore<'a>,
    pub name: &'a ProviderName,
    /// The variables that contain configured secrets. Other programs do not inherit them.
    pub secret_variables: &'a BTreeSet<String>,
    /// Fetch servers' metadata again instead of using the cache.
    pub refresh_metadata: bool,
}

impl<'a> Context<'a> {
    /// Resolves secrets with this binding.
    pub fn secrets(&self, binding: &'a Binding) -> Resolver<'a> {
        Resolver { system: self.system, store: self.store, provider: self.name, binding }
    }
}
