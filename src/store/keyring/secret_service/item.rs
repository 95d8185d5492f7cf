//! A Secret Service item, identified by its attributes.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use keyring_core::api::CredentialApi;
use keyring_core::{Credential, Entry, Error, Result};

use crate::store::keyring::fault::KeyringFault;
use crate::store::keyring::secret_service::bus::Connection;
use crate::store::keyring::secret_service::calls::{self, NOTHING, call};
use crate::store::keyring::secret_service::error::BusError;
use crate::store::keyring::secret_service::wire::Writer;

const ITEM: &str = "org.freedesktop.Secret.Item";
/// How often a missing collection is looked up again.
const LOOKS_AGAIN: u32 = 10;
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) address: String,
    pub(super) service: String,
    pub(super) username: String,
    /// The alias of the collection to write to.
    pub(super) alias: String,
}

impl Item {
    fn attributes(&self) -> [(&str, &str); 2] {
        [("service", &self.service), ("username", &self.username)]
    }

    /// The item's path. *Locked*, *absent* and *no such entry* are three different results.
    fn find(&self) -> Result<(Connection, String)> {
        let (mut connection, found) = calls::search(&self.address, &self.attributes())?;
        match (found.unlocked.as_slice(), found.locked.as_slice()) {
            ([path], []) => Ok((connection, path.clone())),
            ([], []) if calls::is_locked(&mut connection)? => Err(KeyringFault::Locked.into()),
            ([], []) => Err(Error::NoEntry),
            ([], _) => Err(KeyringFault::Locked.into()),
            (unlocked, locked) => {
                let same = || Entry::new_with_credential(Arc::new(self.clone()));
                Err(Error::Ambiguous(unlocked.iter().chain(locked).map(|_| same()).collect()))
            }
        }
    }

    /// The item's collection. It is looked up again if it is missing: on rare occasions gnome-keyring briefly reports
    /// an existing collection as missing (seen once in several thousand writes).
    fn collection(&self) -> Result<(Connection, String)> {
        for _ in 0..LOOKS_AGAIN {
            let found = calls::collection(&self.address, &self.alias)?;
            if found.1 != NOTHING {
                return Ok(found);
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "a pause in a conversation; nothing is decided by it"
            )]
            std::thread::sleep(PAUSE);
        }
        calls::collection(&self.address, &self.alias)
    }
}

impl CredentialApi for Item {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        let (mut connection, collection) = self.collection()?;
        if collection == NOTHING || calls::is_collection_locked(&mut connection, &collection)? {
            return Err(KeyringFault::Locked.into());
        }
        let session = calls::open_session(&mut connection)?;
        let mut body = Writer::default();
        body.array(8, |properties| {
            properties.align(8);
            properties.text("org.freedesktop.Secret.Item.Label");
            properties.signature("s");
            properties.text(&format!("authctl: {}", self.username));
            properties.align(8);
            properties.text("org.freedesktop.Secret.Item.Attributes");
            properties.signature("a{ss}");
            let [service, username] = self.attributes();
            properties.dictionary(&[("xdg:schema", "org.freedesktop.Secret.Generic"), service, username]);
        });
        body.align(8);
        body.text(&session);
        body.bytes(&[]);
        body.bytes(secret);
        body.text("text/plain");
        body.boolean(true);
        let interface = "org.freedesktop.Secret.Collection";
        let answer = connection.call(call(&collection, interface, "CreateItem", "a{sv}(oayays)b", body))?;
        // A prompt instead of an item: the collection was locked meanwhile.
        if answer.body("oo")?.text()? == NOTHING { Err(KeyringFault::Locked.into()) } else { Ok(()) }
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        let (mut connection, path) = self.find()?;
        let session = calls::open_session(&mut connection)?;
        let mut body = Writer::default();
        body.text(&session);
        let answer =
            connection.call(call(&path, ITEM, "GetSecret", "o", body)).map_err(|error| match error {
                // The item was deleted after the search.
                BusError::Refused { name } if name.ends_with(".NoSuchObject") => Error::NoEntry,
                error => error.into(),
            })?;
        // Session, parameters, value, content type.
        let mut body = answer.body("(oayays)")?;
        body.structure()?;
        body.text()?;
        body.bytes()?;
        Ok(body.bytes()?.to_vec())
    }

    fn get_attributes(&self) -> Result<HashMap<String, String>> {
        let (mut connection, path) = self.find()?;
        calls::attributes(&mut connection, &path)
    }

    fn delete_credential(&self) -> Result<()> {
        let (mut connection, path) = self.find()?;
        let answer = connection.call(call(&path, ITEM, "Delete", "", Writer::default()))?;
        let prompt = answer.body("o")?.text()?;
        if prompt == NOTHING { Ok(()) } else { Err(KeyringFault::Locked.into()) }
    }

    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        self.find().map(|_| None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        Some((self.service.clone(), self.username.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, formatter)
    }
}
