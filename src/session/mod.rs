//! The use cases that commands and helpers share: get a token, log in, log out.

pub mod acquire;
pub mod aws;
mod definitions;
mod identity;
pub mod inspect;
pub mod login;
pub mod logout;
pub mod registration;
pub mod store_credential;
pub mod with_token;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use self::definitions::Definitions;
use crate::config::reach::Consumer;
use crate::config::{ChoiceError, Config, Provider};
use crate::name::ProviderName;
use crate::ports::System;
use crate::provider::Context;
use crate::store::TokenStore;

/// A provider, and the session whose store has its tokens and secrets.
pub struct Open<'a> {
    /// The provider.
    pub provider: Provider,
    /// The session.
    pub session: Session<'a>,
}

/// What a use case works with.
pub struct Session<'a> {
    /// The outside.
    pub system: &'a System,
    /// The configuration.
    pub config: &'a Config,
    /// The token store.
    pub store: TokenStore<'a>,
    /// Ask servers again instead of using their cached metadata.
    pub refresh_metadata: bool,
    secret_variables: OnceCell<BTreeSet<String>>,
    /// What the tokens that it gets, or others that are got with them, are handed on to.
    consumers: Vec<Consumer>,
}

impl<'a> Session<'a> {
    /// Opens the selected provider.
    ///
    /// # Errors
    /// [`ChoiceError`].
    pub fn open(
        system: &'a System,
        config: &'a Config,
        named: Option<&ProviderName>,
    ) -> Result<Open<'a>, ChoiceError> {
        let provider = config.selected(named)?;
        let session = Self::new(system, config, &provider.name);
        Ok(Open { provider, session })
    }

    /// The session for a provider, which need not be configured any more. It belongs to this provider, because the one whose
    /// token opens the shared store has its own tokens and secrets on this machine.
    #[must_use]
    pub fn new(system: &'a System, config: &'a Config, name: &ProviderName) -> Self {
        let store = if config.opens_store(name) {
            store_credential::local(system, config)
        } else {
            configured_store(system, config)
        };
        let (secret_variables, consumers) = (OnceCell::new(), Vec::new());
        Self { system, config, store, refresh_metadata: false, secret_variables, consumers }
    }

    /// The session for a provider whose token is handed on to `consumer`. What is stored for it must be for the servers of
    /// each consumer too (F-BIND6).
    pub(super) fn consumed_by(&self, consumer: Consumer, needed: &ProviderName) -> Self {
        let Self { system, config, refresh_metadata, .. } = *self;
        let mut consumers = self.consumers.clone();
        consumers.push(consumer);
        let definitions = Box::new(Definitions { system, config, consumers: consumers.clone() });
        // What opens the shared store is kept on this machine.
        let store = if config.opens_store(needed) {
            store_credential::local(system, config).with_definitions(definitions)
        } else {
            self.store.with_definitions(definitions)
        };
        Session { system, config, store, refresh_metadata, secret_variables: OnceCell::new(), consumers }
    }

    /// What a provider is given to work with.
    #[must_use]
    pub fn context<'s>(&'s self, name: &'s ProviderName) -> Context<'s> {
        let Self { system, store, refresh_metadata, .. } = self;
        let secret_variables = self.secret_variables.get_or_init(|| self.config.secret_variables());
        Context { system, store, name, secret_variables, refresh_metadata: *refresh_metadata }
    }
}

/// The configured store as a whole, whatever providers are in it.
#[must_use]
pub fn configured_store<'a>(system: &'a System, config: &'a Config) -> TokenStore<'a> {
    TokenStore::new(
        system,
        config.store_settings(&*system.environment),
        Rc::new(store_credential::Configured::new(system, config)),
        Box::new(Definitions::new(system, config)),
    )
}
