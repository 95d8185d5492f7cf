//! What a provider works with.

use std::collections::BTreeSet;

use crate::binding::Binding;
use crate::name::ProviderName;
use crate::ports::System;
use crate::secret_source::Resolver;
use crate::store::TokenStore;

/// What a provider is given to work with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The outside.
    pub system: &'a System,
    pub store: &'a TokenStore<'a>,
    /// The provider's name.
    pub name: &'a ProviderName,
    /// The variables that configured secrets are read from: other programs do not inherit them.
    pub secret_variables: &'a BTreeSet<String>,
    /// Ask servers again for what is cached of them.
    pub refresh_metadata: bool,
}

impl<'a> Context<'a> {
    /// Resolves secrets that are bound to this.
    pub fn secrets(&self, binding: &'a Binding) -> Resolver<'a> {
        Resolver { system: self.system, store: self.store, provider: self.name, binding }
    }
}
