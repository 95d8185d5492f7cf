//! The store on this machine, beside the shared one.

use std::rc::Rc;

use super::definitions::Definitions;
use crate::config::Config;
use crate::ports::{ClientIdentity, System};
use crate::secret::SecretText;
use crate::store::shared::EngineCredentials;
use crate::store::{StoreChoice, StoreError, StoreSettings, TokenStore};

/// The store on this machine. It holds the login of the provider that opens the shared store.
pub(super) fn local_store<'a>(system: &'a System, config: &'a Config) -> TokenStore<'a> {
    let settings = StoreSettings { choice: StoreChoice::Auto, ..StoreSettings::default() };
    TokenStore::new(system, settings, Rc::new(NoCredentials), Box::new(Definitions::new(system, config)))
}

/// A store on this machine needs no credential.
struct NoCredentials;

impl EngineCredentials for NoCredentials {
    fn secret(&self) -> Result<Option<SecretText>, StoreError> {
        Ok(None)
    }

    fn identity(&self) -> Result<Option<ClientIdentity>, StoreError> {
        Ok(None)
    }
}
