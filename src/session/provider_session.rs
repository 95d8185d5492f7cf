//! The session that a use case works with.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::definitions::Definitions;
use super::local_store::local_store;
use crate::config::Config;
use crate::config::reach::Consumer;
use crate::name::ProviderName;
use crate::ports::System;
use crate::provider::Context;
use crate::store::TokenStore;

pub struct Session<'a> {
    pub system: &'a System,
    pub config: &'a Config,
    pub store: TokenStore<'a>,
    /// Fetch servers' metadata again instead of using the cache.
    pub refresh_metadata: bool,
    secret_variables: OnceCell<BTreeSet<String>>,
    /// What receives the tokens of this session, or tokens that were issued for them.
    consumers: Vec<Consumer>,
}

impl<'a> Session<'a> {
    pub(super) fn with_store(system: &'a System, config: &'a Config, store: TokenStore<'a>) -> Self {
        let (secret_variables, consumers) = (OnceCell::new(), Vec::new());
        Self { system, config, store, refresh_metadata: false, secret_variables, consumers }
    }

    /// The session for a provider whose token `consumer` receives. The provider's stored secrets must be meant for each
    /// consumer's servers too (F-BIND6).
    pub(super) fn consumed_by(&self, consumer: Consumer, needed: &ProviderName) -> Self {
        let Self { system, config, refresh_metadata, .. } = *self;
        let mut consumers = self.consumers.clone();
        consumers.push(consumer);
        let definitions = Box::new(Definitions { system, config, consumers: consumers.clone() });
        // What opens the shared store is stored on this machine.
        let store = if config.opens_store(needed) {
            local_store(system, config).with_definitions(definitions)
        } else {
            self.store.with_definitions(definitions)
        };
        Self { system, config, store, refresh_metadata, secret_variables: OnceCell::new(), consumers }
    }

    /// The context for a provider's methods.
    pub fn context<'s>(&'s self, name: &'s ProviderName) -> Context<'s> {
        let Self { system, store, refresh_metadata, .. } = self;
        let secret_variables = self.secret_variables.get_or_init(|| self.config.secret_variables());
        Context { system, store, name, secret_variables, refresh_metadata: *refresh_metadata }
    }
}
