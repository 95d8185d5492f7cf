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
            return self.session(engine::local(self.system, self.config));
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
            Box::new(engine::Configured::new(system, config)),
            Box::new(definitions::Definitions { system, config }),
        ))
    }

    fn session(&self, store: TokenStore<'a>) -> Session<'a> {
        let Self { system, config, refresh_metadata } = *self;
        Session { system, config, store, refresh_metadata }
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
}

impl<'a> Session<'a> {
    /// The session for another provider whose token is needed, if its tokens are in a different store.
    pub(super) fn elsewhere(&self, needed: &ProviderName) -> Option<Self> {
        let Self { system, config, refresh_metadata, .. } = *self;
        config.opens_store(needed).then(|| Sessions { system, config, refresh_metadata }.keeping(needed))
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
