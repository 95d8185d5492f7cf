//! The Secret Service (freedesktop.org Secret Storage specification 0.2) as a keyring-core store.
//!
//! Items carry the attributes `service` and `username`, which `secret-tool`, Seahorse and the other keyring libraries
//! look for. The session is a plain one: encryption would only hide the secret from a monitor on the user's own bus, who
//! could ask for it just as well, and it would cost more than all the rest.
//! The calls of the one interface stay in one file.

mod address;
mod bus;
pub(crate) mod wire;

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use keyring_core::api::{CredentialApi, CredentialStoreApi};
use keyring_core::{Credential, Entry, Error, Result};

use crate::store::keyring::KeyringFault;
use crate::store::keyring::secret_service::bus::{BusError, Connection};
use crate::store::keyring::secret_service::wire::{Call, Message, Reader, Writer};

const SERVICE: &str = "org.freedesktop.secrets";
const SERVICE_PATH: &str = "/org/freedesktop/secrets";
/// The object path that stands for "none".
const NOTHING: &str = "/";
/// The alias of the collection that is used where none is named.
const DEFAULT: &str = "default";
/// How long one use of the keyring may take when nobody is asked anything (F-KR1).
const DEADLINE: Duration = Duration::from_secs(5);
/// How often a collection that is not there is looked for again, and after which pause.
const LOOKS_AGAIN: u32 = 10;
const PAUSE: Duration = Duration::from_millis(50);
/// How long the user may take to answer the keyring's own prompt.
const PROMPT_DEADLINE: Duration = Duration::from_secs(60);

/// The keyring of the session whose bus is at this address.
#[derive(Debug, Clone)]
pub struct SecretService {
    address: String,
}

impl SecretService {
    /// The keyring of a session bus, which is not asked anything yet.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { address: address.into() })
    }

    /// Unlocks the default collection, waiting for the user to answer the keyring's prompt; makes the collection where
    /// there is none.
    ///
    /// # Errors
    /// As the keyring reports them; [`KeyringFault::Locked`] when the user dismisses the prompt.
    pub fn unlock(&self) -> Result<()> {
        let (mut connection, collection) = self.collection(DEFAULT)?;
        connection.extend(PROMPT_DEADLINE);
        let (member, signature, body) = if collection == NOTHING {
            ("CreateCollection", "a{sv}s", new_collection())
        } else {
            let mut body = Writer::default();
            body.array(4, |paths| paths.text(&collection));
            ("Unlock", "ao", body)
        };
        let answer = connection.call(service(member, signature, body)).map_err(fault)?;
        let prompt = match member {
            "Unlock" => answer.body("aoo").and_then(|mut body| {
                body.array(4, Reader::text)?;
                body.text()
            }),
            _ => answer.body("oo").and_then(|mut body| {
                body.text()?;
                body.text()
            }),
        };
        answer_prompt(&mut connection, &prompt.map_err(malformed)?)
    }

    fn search_for(&self, attributes: &[(&str, &str)]) -> Result<(Connection, Found)> {
        let first = || {
            let mut body = Writer::default();
            body.dictionary(attributes);
            service("SearchItems", "a{ss}", body)
        };
        let (connection, answer) = Connection::open(&self.address, DEADLINE, first).map_err(fault)?;
        let mut body = answer.body("aoao").map_err(malformed)?;
        let unlocked = body.array(4, Reader::text).map_err(malformed)?;
        let locked = body.array(4, Reader::text).map_err(malformed)?;
        Ok((connection, Found { unlocked, locked }))
    }

    /// The collection with an alias, looked for again where there is none: now and then, for a moment, gnome-keyring says
    /// so of one that it has (seen once in some thousand writes).
    fn lasting_collection(&self, alias: &str) -> Result<(Connection, String)> {
        for _ in 0..LOOKS_AGAIN {
            let found = self.collection(alias)?;
            if found.1 != NOTHING {
                return Ok(found);
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "a pause in a conversation; nothing is decided by it"
            )]
            std::thread::sleep(PAUSE);
        }
        self.collection(alias)
    }

    /// The collection with an alias, [`NOTHING`] where there is none.
    fn collection(&self, alias: &str) -> Result<(Connection, String)> {
        let first = || {
            let mut body = Writer::default();
            body.text(alias);
            service("ReadAlias", "s", body)
        };
        let (connection, answer) = Connection::open(&self.address, DEADLINE, first).map_err(fault)?;
        let path = answer.body("o").and_then(|mut body| body.text()).map_err(malformed)?;
        Ok((connection, path))
    }
}

/// What a search found, as object paths.
struct Found {
    unlocked: Vec<String>,
    locked: Vec<String>,
}

impl CredentialStoreApi for SecretService {
    fn vendor(&self) -> String {
        "authctl, https://specifications.freedesktop.org/secret-service".to_owned()
    }

    fn id(&self) -> String {
        self.address.clone()
    }

    /// An item by its attributes; the modifier `target` is the alias of the collection that it is written to, for example
    /// `session`, which is in memory.
    fn build(&self, service: &str, user: &str, modifiers: Option<&HashMap<&str, &str>>) -> Result<Entry> {
        let alias = modifiers.and_then(|modifiers| modifiers.get("target")).copied().unwrap_or(DEFAULT);
        let item = Item {
            store: self.clone(),
            service: service.to_owned(),
            username: user.to_owned(),
            alias: alias.to_owned(),
        };
        Ok(Entry::new_with_credential(Arc::new(item)))
    }

    /// Finds the items of a `service`, whoever made them.
    fn search(&self, spec: &HashMap<&str, &str>) -> Result<Vec<Entry>> {
        let service_name = spec.get("service").copied().unwrap_or_default();
        let (mut connection, found) = self.search_for(&[("service", service_name)])?;
        if !found.locked.is_empty() || found.unlocked.is_empty() && is_locked(&mut connection)? {
            return Err(KeyringFault::Locked.into());
        }
        let mut entries = Vec::new();
        for path in found.unlocked {
            let attributes = attributes(&mut connection, &path)?;
            if let Some(username) = attributes.get("username") {
                entries.push(self.build(service_name, username, None)?);
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

/// One item, by the attributes that find it.
#[derive(Debug, Clone)]
struct Item {
    store: SecretService,
    service: String,
    username: String,
    alias: String,
}

impl Item {
    fn attributes(&self) -> [(&str, &str); 2] {
        [("service", &self.service), ("username", &self.username)]
    }

    /// The item's path. *Locked*, *absent* and *no such entry* are three different answers.
    fn find(&self) -> Result<(Connection, String)> {
        let (mut connection, found) = self.store.search_for(&self.attributes())?;
        match (found.unlocked.as_slice(), found.locked.as_slice()) {
            ([path], []) => Ok((connection, path.clone())),
            ([], []) if is_locked(&mut connection)? => Err(KeyringFault::Locked.into()),
            ([], []) => Err(Error::NoEntry),
            ([], _) => Err(KeyringFault::Locked.into()),
            _ => {
                let same = || Entry::new_with_credential(Arc::new(self.clone()));
                Err(Error::Ambiguous(found.unlocked.iter().chain(&found.locked).map(|_| same()).collect()))
            }
        }
    }
}

impl CredentialApi for Item {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        let (mut connection, collection) = self.store.lasting_collection(&self.alias)?;
        if collection == NOTHING || is_collection_locked(&mut connection, &collection)? {
            return Err(KeyringFault::Locked.into());
        }
        let session = open_session(&mut connection)?;
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
        let call =
            call(&collection, "org.freedesktop.Secret.Collection", "CreateItem", "a{sv}(oayays)b", body);
        let answer = connection.call(call).map_err(fault)?;
        let mut body = answer.body("oo").map_err(malformed)?;
        let item = body.text().map_err(malformed)?;
        // A prompt instead of an item: the collection was locked in between.
        if item == NOTHING { Err(KeyringFault::Locked.into()) } else { Ok(()) }
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        let (mut connection, path) = self.find()?;
        let session = open_session(&mut connection)?;
        let mut body = Writer::default();
        body.text(&session);
        let answer = connection
            .call(call(&path, "org.freedesktop.Secret.Item", "GetSecret", "o", body))
            .map_err(|error| match error {
                // The item went between the search and now.
                BusError::Refused { name } if name.ends_with(".NoSuchObject") => Error::NoEntry,
                error => fault(error),
            })?;
        read_secret(&answer).map_err(malformed)
    }

    fn get_attributes(&self) -> Result<HashMap<String, String>> {
        let (mut connection, path) = self.find()?;
        attributes(&mut connection, &path)
    }

    fn delete_credential(&self) -> Result<()> {
        let (mut connection, path) = self.find()?;
        let answer = connection
            .call(call(&path, "org.freedesktop.Secret.Item", "Delete", "", Writer::default()))
            .map_err(fault)?;
        let prompt = answer.body("o").and_then(|mut body| body.text()).map_err(malformed)?;
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

fn call<'a>(
    path: &'a str,
    interface: &'a str,
    member: &'a str,
    signature: &'a str,
    body: Writer,
) -> Call<'a> {
    Call { destination: SERVICE, path, interface, member, signature, body }
}

fn service(member: &'static str, signature: &'static str, body: Writer) -> Call<'static> {
    call(SERVICE_PATH, "org.freedesktop.Secret.Service", member, signature, body)
}

/// Opens a plain session. Only ever called after another call was answered on this connection.
fn open_session(connection: &mut Connection) -> Result<String> {
    let mut body = Writer::default();
    body.text("plain");
    body.signature("s");
    body.text("");
    let answer = connection.call(service("OpenSession", "sv", body)).map_err(fault)?;
    answer
        .body("vo")
        .and_then(|mut body| {
            body.skip_variant()?;
            body.text()
        })
        .map_err(malformed)
}

/// The value of a `(oayays)`: session, parameters, value, content type.
fn read_secret(answer: &Message) -> std::result::Result<Vec<u8>, wire::Malformed> {
    let mut body = answer.body("(oayays)")?;
    body.structure()?;
    body.text()?;
    body.bytes()?;
    body.bytes().map(|secret| secret.to_vec())
}

fn attributes(connection: &mut Connection, path: &str) -> Result<HashMap<String, String>> {
    let answer = property(connection, path, "org.freedesktop.Secret.Item", "Attributes")?;
    let mut body = answer.body("v").map_err(malformed)?;
    body.variant("a{ss}").map_err(malformed)?;
    let entries = body.array(8, |entry| Ok((entry.text()?, entry.text()?))).map_err(malformed)?;
    Ok(entries.into_iter().collect())
}

/// Whether the default collection is locked, so that "nothing found" is no answer.
fn is_locked(connection: &mut Connection) -> Result<bool> {
    let mut body = Writer::default();
    body.text(DEFAULT);
    let answer = connection.call(service("ReadAlias", "s", body)).map_err(fault)?;
    let collection = answer.body("o").and_then(|mut body| body.text()).map_err(malformed)?;
    if collection == NOTHING { Ok(false) } else { is_collection_locked(connection, &collection) }
}

fn is_collection_locked(connection: &mut Connection, collection: &str) -> Result<bool> {
    let answer = property(connection, collection, "org.freedesktop.Secret.Collection", "Locked")?;
    let mut body = answer.body("v").map_err(malformed)?;
    body.variant("b").and_then(|()| body.boolean()).map_err(malformed)
}

fn property(connection: &mut Connection, path: &str, interface: &str, name: &str) -> Result<Message> {
    let mut body = Writer::default();
    body.text(interface);
    body.text(name);
    connection.call(call(path, "org.freedesktop.DBus.Properties", "Get", "ss", body)).map_err(fault)
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

/// Shows the keyring's own prompt and waits for the user.
fn answer_prompt(connection: &mut Connection, prompt: &str) -> Result<()> {
    if prompt == NOTHING {
        return Ok(());
    }
    let mut body = Writer::default();
    body.text("type='signal',interface='org.freedesktop.Secret.Prompt',member='Completed'");
    let subscribe = Call {
        destination: "org.freedesktop.DBus",
        path: "/org/freedesktop/DBus",
        interface: "org.freedesktop.DBus",
        member: "AddMatch",
        signature: "s",
        body,
    };
    connection.call(subscribe).map_err(fault)?;
    let mut body = Writer::default();
    body.text("");
    connection.call(call(prompt, "org.freedesktop.Secret.Prompt", "Prompt", "s", body)).map_err(fault)?;
    let completed = connection.signal(prompt, "Completed").map_err(fault)?;
    let dismissed = completed.body("bv").and_then(|mut body| body.boolean()).map_err(malformed)?;
    if dismissed { Err(KeyringFault::Locked.into()) } else { Ok(()) }
}

fn fault(error: BusError) -> Error {
    match error {
        BusError::NoBus(_) | BusError::NoService => KeyringFault::Absent(error.to_string()).into(),
        BusError::Untrusted(refusal) => KeyringFault::UntrustedBus(refusal.to_string()).into(),
        BusError::TimedOut => KeyringFault::TimedOut.into(),
        BusError::Refused { name } if name.ends_with(".IsLocked") => KeyringFault::Locked.into(),
        error => KeyringFault::Failed(error.to_string()).into(),
    }
}

fn malformed(error: wire::Malformed) -> Error {
    KeyringFault::Failed(error.to_string()).into()
}
