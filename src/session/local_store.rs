//! The store on this machine, next to a shared store.

use std::rc::Rc;

use super::definitions::Definitions;
use crate::config::Config;
use crate::ports::System;
use crate::store::shared::SharedCredentials;
use crate::store::{StoreChoice, StoreSettings, TokenStore};

/// The store on this machine. It holds the login of the provider that opens the shared store.
pub(super) fn local_store<'a>(system: &'a System, config: &'a Config) -> TokenStore<'a> {
    let settings = StoreSettings { choice: StoreChoice::Auto, ..StoreSettings::default() };
    let credentials = || Ok(SharedCredentials::default());
    TokenStore::new(system, settings, Rc::new(credentials), Box::new(Definitions::new(system, config)))
}
