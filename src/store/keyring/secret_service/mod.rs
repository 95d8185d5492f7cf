//! The Secret Service (freedesktop.org Secret Storage specification 0.2) as a keyring-core store.
//!
//! Items have the attributes `service` and `username`, which `secret-tool`, Seahorse and the other keyring libraries
//! look for. The session is plain: encryption would only hide the secret from a monitor on the user's own bus, which
//! could simply ask for it, and would cost more than everything else.

mod address;
mod bus;
mod calls;
mod error;
mod item;
pub(crate) mod wire;

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Result};

use crate::store::keyring::fault::KeyringFault;
use crate::store::keyring::secret_service::calls::{DEFAULT, NOTHING};
use crate::store::keyring::secret_service::item::Item;
use crate::store::keyring::secret_service::wire::{Reader, Writer};

/// How long the user may take to answer the keyring's own prompt.
const PROMPT_DEADLINE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone)]
pub struct SecretService {
    address: String,
}

impl SecretService {
    /// The keyring on a session bus. Nothing is sent yet.
    pub fn new(address: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { address: address.into() })
    }

    /// Unlocks the default collection, waiting for the user to answer the keyring's prompt; creates the collection if
    /// it does not exist. [`KeyringFault::Locked`] if the user dismisses the prompt.
    pub fn unlock(&self) -> Result<()> {
        let (mut connection, collection) = calls::collection(&self.address, DEFAULT)?;
        connection.extend(PROMPT_DEADLINE);
        let prompt = if collection == NOTHING {
            let answer = connection.call(calls::service("CreateCollection", "a{sv}s", new_collection()))?;
            let mut body = answer.body("oo")?;
            body.text()?;
            body.text()?
        } else {
            let mut body = Writer::default();
            body.array(4, |paths| paths.text(&collection));
            let answer = connection.call(calls::service("Unlock", "ao", body))?;
            let mut body = answer.body("aoo")?;
            body.array(4, Reader::text)?;
            body.text()?
        };
        calls::answer_prompt(&mut connection, &prompt)
    }
}

impl CredentialStoreApi for SecretService {
    fn vendor(&self) -> String {
        "authctl, https://specifications.freedesktop.org/secret-service".to_owned()
    }

    fn id(&self) -> String {
        self.address.clone()
    }

    /// An item by its attributes. The modifier `target` is the alias of the collection to write to, for example
    /// `session`, which is in memory.
    fn build(&self, service: &str, user: &str, modifiers: Option<&HashMap<&str, &str>>) -> Result<Entry> {
        let alias = modifiers.and_then(|modifiers| modifiers.get("target")).copied().unwrap_or(DEFAULT);
        let item = Item {
            address: self.address.clone(),
            service: service.to_owned(),
            username: user.to_owned(),
            alias: alias.to_owned(),
        };
        Ok(Entry::new_with_credential(Arc::new(item)))
    }

    /// Finds the items of a `service`, whichever program created them.
    fn search(&self, spec: &HashMap<&str, &str>) -> Result<Vec<Entry>> {
        let service = spec.get("service").copied().unwrap_or_default();
        let (mut connection, found) = calls::search(&self.address, &[("service", service)])?;
        if !found.locked.is_empty() || found.unlocked.is_empty() && calls::is_locked(&mut connection)? {
            return Err(KeyringFault::Locked.into());
        }
        let mut entries = Vec::new();
        for path in found.unlocked {
            let attributes = calls::attributes(&mut connection, &path)?;
            if let Some(username) = attributes.get("username") {
                entries.push(self.build(service, username, None)?);
            }
        }
        Ok(entries)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, formatter)
    }
}

/// The arguments of `CreateCollection` for a first default collection.
fn new_collection() -> Writer {
    let mut body = Writer::default();
    body.array(8, |properties| {
        properties.align(8);
        properties.text("org.freedesktop.Secret.Collection.Label");
        properties.signature("s");
        properties.text("Login");
    });
    body.text(DEFAULT);
    body
}
