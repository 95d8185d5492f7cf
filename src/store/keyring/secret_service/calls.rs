//! Calls to the Secret Service's interfaces.

use std::collections::HashMap;
use std::time::Duration;

use keyring_core::Result;

use crate::store::keyring::fault::KeyringFault;
use crate::store::keyring::secret_service::bus::Connection;
use crate::store::keyring::secret_service::wire::{Call, Message, Reader, Writer};

const SERVICE: &str = "org.freedesktop.secrets";
const SERVICE_PATH: &str = "/org/freedesktop/secrets";
/// The object path that means "none".
pub(super) const NOTHING: &str = "/";
/// The alias of the default collection.
pub(super) const DEFAULT: &str = "default";
/// How long one use of the keyring may take if the user is not asked anything (F-KR1).
const DEADLINE: Duration = Duration::from_secs(5);

pub(super) fn call<'a>(
    path: &'a str,
    interface: &'a str,
    member: &'a str,
    signature: &'a str,
    body: Writer,
) -> Call<'a> {
    Call { destination: SERVICE, path, interface, member, signature, body }
}

pub(super) fn service(member: &'static str, signature: &'static str, body: Writer) -> Call<'static> {
    call(SERVICE_PATH, "org.freedesktop.Secret.Service", member, signature, body)
}

/// A search result, as object paths.
pub(super) struct Found {
    pub(super) unlocked: Vec<String>,
    pub(super) locked: Vec<String>,
}

pub(super) fn search(address: &str, attributes: &[(&str, &str)]) -> Result<(Connection, Found)> {
    let first = || {
        let mut body = Writer::default();
        body.dictionary(attributes);
        service("SearchItems", "a{ss}", body)
    };
    let (connection, answer) = Connection::open(address, DEADLINE, first)?;
    let mut body = answer.body("aoao")?;
    let found = Found { unlocked: body.array(4, Reader::text)?, locked: body.array(4, Reader::text)? };
    Ok((connection, found))
}

fn read_alias(alias: &str) -> Call<'static> {
    let mut body = Writer::default();
    body.text(alias);
    service("ReadAlias", "s", body)
}

/// Connects and looks up the collection with an alias: [`NOTHING`] if it does not exist.
pub(super) fn collection(address: &str, alias: &str) -> Result<(Connection, String)> {
    let (connection, answer) = Connection::open(address, DEADLINE, || read_alias(alias))?;
    Ok((connection, answer.body("o")?.text()?))
}

/// Whether the default collection is locked, so that an empty search result proves nothing.
pub(super) fn is_locked(connection: &mut Connection) -> Result<bool> {
    let collection = connection.call(read_alias(DEFAULT))?.body("o")?.text()?;
    if collection == NOTHING { Ok(false) } else { is_collection_locked(connection, &collection) }
}

pub(super) fn is_collection_locked(connection: &mut Connection, collection: &str) -> Result<bool> {
    let answer = property(connection, collection, "org.freedesktop.Secret.Collection", "Locked")?;
    let mut body = answer.body("v")?;
    body.variant("b")?;
    Ok(body.boolean()?)
}

pub(super) fn attributes(connection: &mut Connection, path: &str) -> Result<HashMap<String, String>> {
    let answer = property(connection, path, "org.freedesktop.Secret.Item", "Attributes")?;
    let mut body = answer.body("v")?;
    body.variant("a{ss}")?;
    Ok(body.array(8, |entry| Ok((entry.text()?, entry.text()?)))?.into_iter().collect())
}

fn property(connection: &mut Connection, path: &str, interface: &str, name: &str) -> Result<Message> {
    let mut body = Writer::default();
    body.text(interface);
    body.text(name);
    Ok(connection.call(call(path, "org.freedesktop.DBus.Properties", "Get", "ss", body))?)
}

/// Opens a plain session. Call it only after another call was answered on this connection.
pub(super) fn open_session(connection: &mut Connection) -> Result<String> {
    let mut body = Writer::default();
    body.text("plain");
    body.signature("s");
    body.text("");
    let answer = connection.call(service("OpenSession", "sv", body))?;
    let mut body = answer.body("vo")?;
    body.skip_variant()?;
    Ok(body.text()?)
}

pub(super) fn answer_prompt(connection: &mut Connection, prompt: &str) -> Result<()> {
    if prompt == NOTHING {
        return Ok(());
    }
    let mut body = Writer::default();
    body.text("type='signal',interface='org.freedesktop.Secret.Prompt',member='Completed'");
    connection.call(Call {
        destination: "org.freedesktop.DBus",
        path: "/org/freedesktop/DBus",
        interface: "org.freedesktop.DBus",
        member: "AddMatch",
        signature: "s",
        body,
    })?;
    let mut body = Writer::default();
    body.text("");
    connection.call(call(prompt, "org.freedesktop.Secret.Prompt", "Prompt", "s", body))?;
    let dismissed = connection.signal(prompt, "Completed")?.body("bv")?.boolean()?;
    if dismissed { Err(KeyringFault::Locked.into()) } else { Ok(()) }
}
