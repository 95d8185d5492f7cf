//! The use cases that commands and helpers share: get a token, log in, log out.

pub mod acquire;
mod acquisition;
pub mod aws;
pub mod cache;
mod definitions;
mod engine;
mod identity;
mod inputs;
pub mod inspect;
pub mod login;
pub mod logout;
pub mod refusal;
pub mod registration;
mod renewal;
pub mod site;
pub mod step;
pub mod with_token;

use crate::config::{ChoiceError, Config, Provider};
use crate::name::ProviderName;
use crate::ports::System;
use crate::provider::Context;
use crate::store::TokenStore;

/// What a use case works with.
pub struct Session<'a> {
    /// The outside.
    pub system: &'a System,
    /// The configuration.
    pub config: &'a Config,
    /// The token store.
    pub store: TokenStore<'a>,
    /// Ask servers again for what is cached of them.
    pub refresh_metadata: bool,
}

impl<'a> Session<'a> {
    /// A session with a configuration.
    #[must_use]
    pub fn new(system: &'a System, config: &'a Config) -> Self {
        Self {
            system,
            config,
            store: TokenStore::new(
                system,
                config.store_settings(&*system.environment),
                Box::new(engine::Configured::new(system, config)),
                Box::new(definitions::Definitions { system, config }),
            ),
            refresh_metadata: false,
        }
    }

    /// The session for a provider's own tokens: what opens the shared store is kept on this machine.
    #[must_use]
    pub fn keeping(self, name: &ProviderName) -> Self {
        if self.config.opens_store(name) {
            Self { store: engine::local(self.system, self.config), ..self }
        } else {
            self
        }
    }

    /// The provider that is meant.
    ///
    /// # Errors
    /// [`ChoiceError`].
    pub fn provider(&self, named: Option<&ProviderName>) -> Result<Provider, ChoiceError> {
        self.config.check_files(true)?;
        let name = self.config.choose(named)?;
        Ok(self.config.provider(&name)?)
    }

    /// What a provider is given to work with.
    #[must_use]
    pub fn context<'s>(&'s self, name: &'s ProviderName) -> Context<'s> {
        Context { system: self.system, store: &self.store, name, refresh_metadata: self.refresh_metadata }
    }
}
