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

use std::rc::Rc;

use self::definitions::Definitions;
use crate::config::reach::Consumer;
use crate::config::{ChoiceError, Config, Provider};
use crate::name::ProviderName;
use crate::ports::System;
use crate::provider::Context;
use crate::store::TokenStore;

/// Opens sessions. A session belongs to one provider, because the provider that opens the shared store has its own tokens
/// on this machine.
#[derive(Clone, Copy)]
pub struct Sessions<'a> {
    /// The outside.
    pub system: &'a System,
    /// The configuration.
    pub config: &'a Config,
    /// Ask servers again instead of using their cached metadata.
    pub refresh_metadata: bool,
}

impl<'a> Sessions<'a> {
    /// Sessions with a configuration.
    #[must_use]
    pub fn new(system: &'a System, config: &'a Config) -> Self {
        Self { system, config, refresh_metadata: false }
    }

    /// The selected provider.
    ///
    /// # Errors
    /// [`ChoiceError`].
    pub fn provider(&self, named: Option<&ProviderName>) -> Result<Provider, ChoiceError> {
        self.config.check_files(true)?;
        let name = self.config.choose(named)?;
        Ok(self.config.provider(&name)?)
    }

    /// The session for a provider, with the store that has its tokens and secrets.
    #[must_use]
    pub fn keeping(&self, name: &ProviderName) -> Session<'a> {
        if self.config.opens_store(name) {
            return self.session(store_credential::local(self.system, self.config));
        }
        self.with_configured_store()
    }

    /// A session for the configured store as a whole, for commands such as `store status` and `store move`.
    #[must_use]
    pub fn with_configured_store(&self) -> Session<'a> {
        let Self { system, config, .. } = *self;
        self.session(TokenStore::new(
            system,
            config.store_settings(&*system.environment),
            Rc::new(store_credential::Configured::new(system, config)),
            Box::new(Definitions::new(system, config)),
        ))
    }

    fn session(&self, store: TokenStore<'a>) -> Session<'a> {
        let Self { system, config, refresh_metadata } = *self;
        Session { system, config, store, refresh_metadata, consumers: Vec::new() }
    }
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
    /// What the tokens that it gets, or others that are got with them, are handed on to.
    consumers: Vec<Consumer>,
}

impl<'a> Session<'a> {
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
        Session { system, config, store, refresh_metadata, consumers }
    }

    /// The selected provider.
    ///
    /// # Errors
    /// [`ChoiceError`].
    pub fn provider(&self, named: Option<&ProviderName>) -> Result<Provider, ChoiceError> {
        Sessions::new(self.system, self.config).provider(named)
    }

    /// What a provider is given to work with.
    #[must_use]
    pub fn context<'s>(&'s self, name: &'s ProviderName) -> Context<'s> {
        Context { system: self.system, store: &self.store, name, refresh_metadata: self.refresh_metadata }
    }
}
