//! Opens sessions and stores.

use std::rc::Rc;

use super::definitions::Definitions;
use super::local_store::local_store;
use super::provider_session::Session;
use super::store_credential::credentials;
use crate::config::{ChoiceError, Config, Provider};
use crate::name::ProviderName;
use crate::ports::System;
use crate::store::TokenStore;

/// A provider, and the session whose store has its tokens and secrets.
pub struct Open<'a> {
    pub provider: Rc<Provider>,
    pub session: Session<'a>,
}

impl<'a> Session<'a> {
    /// Opens the selected provider.
    pub fn open(
        system: &'a System,
        config: &'a Config,
        named: Option<&ProviderName>,
    ) -> Result<Open<'a>, ChoiceError> {
        let provider = config.selected(named)?;
        let session = Self::new(system, config, &provider.name);
        Ok(Open { provider, session })
    }

    /// The session for a provider, which need not be configured any more. Sessions belong to one provider, because the
    /// tokens and secrets of the provider that opens the shared store are on this machine.
    pub fn new(system: &'a System, config: &'a Config, name: &ProviderName) -> Self {
        let store = if config.opens_store(name) {
            local_store(system, config)
        } else {
            configured_store(system, config)
        };
        Self::with_store(system, config, store)
    }
}

/// The configured store, independent of any provider.
pub fn configured_store<'a>(system: &'a System, config: &'a Config) -> TokenStore<'a> {
    TokenStore::new(
        system,
        config.store_settings(&*system.environment),
        Rc::new(move || credentials(system, config)),
        Box::new(Definitions::new(system, config)),
    )
}
