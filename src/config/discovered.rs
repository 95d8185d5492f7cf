//! What `authctl login` found out about servers, and the clients that it made known to them: a file in the state folder, which
//! is a configuration layer below everything that people write.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, value};
use url::Url;

use crate::binding::Binding;
use crate::config::provider_table::Credential;
use crate::discovery::resource::DiscoveredUrl;
use crate::name::{ProviderName, ScopeSet};
use crate::oauth::endpoint::authority;
use crate::oauth::resource_metadata::canonical;
use crate::os::private_file::{self, FileError};
use crate::ports::{Folder, System};
use crate::schema::{Layer, Setting, Value};
use crate::store::StoreError;
use crate::store::lock::{LONGEST_WAIT, Lock};

/// Its name is older than the word for what is in it.
const FILE: &str = "learned.toml";
/// The comment at the top of the file.
const HEAD: &str = "# Written by authctl: what it learned of servers that were logged in to by their URL, and what it registered.\n";
/// The longest part of a provider's name that its host may take up.
const LONGEST_HOST: usize = 40;

/// The keys that go with a discovered client's identifier.
const CLIENT_KEYS: [&str; 3] = ["redirect_uri", "token_endpoint_auth_method", "client_secret"];
/// The keys that only this file has: the issuer that knows the client, when its secret ends, and the scopes it may ask for.
const STATE_KEYS: [&str; 3] = ["registered_with", "registered_until", "registered_scopes"];

/// What a login adds to this layer. `None` leaves what the layer has.
#[derive(Debug, Clone)]
pub struct DiscoveredProvider {
    pub name: ProviderName,
    pub url: Option<DiscoveredUrl>,
    pub client: Option<DiscoveredClient>,
}

/// A client that authctl registered, that the user named, or that the server knows by its metadata document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscoveredClient {
    pub id: String,
    /// The issuer that knows it. No other issuer is ever told about it.
    pub issuer: String,
    /// The registered redirect URI, with its port.
    pub redirect_uri: Option<String>,
    /// Whether a secret was issued, which is in the token store.
    pub has_secret: bool,
    /// How it authenticates.
    pub method: Option<String>,
    /// The scopes that it may ask for, if they are limited.
    pub scopes: Option<ScopeSet>,
    pub secret_ends: Option<Timestamp>,
}

impl DiscoveredClient {
    /// A client that the server knows without a registration by authctl.
    #[must_use]
    pub fn known_as(id: &str, issuer: &str) -> Self {
        Self {
            id: id.to_owned(),
            issuer: issuer.to_owned(),
            redirect_uri: None,
            has_secret: false,
            method: None,
            scopes: None,
            secret_ends: None,
        }
    }

    /// Whether authctl registered it.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        self.redirect_uri.is_some()
    }

    /// Whether both are the same client of the same server.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.id, &self.issuer) == (&other.id, &other.issuer)
    }
}

/// Where the file is.
#[must_use]
pub fn path(system: &System) -> Option<PathBuf> {
    file(system).ok()
}

/// The name of the provider that a URL stands for: its host, and a fingerprint of the whole URL.
#[must_use]
pub fn name_of(url: &Url) -> ProviderName {
    let host: String = authority(url)
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' })
        .take(LONGEST_HOST)
        .collect();
    let mark = Binding::default().with("url", canonical(url)).fingerprint();
    let name = format!("{}-{}", host.trim_matches('-'), &mark[..12]);
    name.parse().unwrap_or_else(|_| ProviderName::short_form())
}

/// Whether a URL is another one, or below it in its path.
pub(crate) fn is_at_or_above(known: &Url, url: &Url) -> bool {
    let folder = known.path().trim_end_matches('/');
    let rest = url.path().strip_prefix(folder);
    known.origin() == url.origin() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Saves what a login added.
///
/// # Errors
/// [`StoreError`].
pub fn save(system: &System, provider: &DiscoveredProvider) -> Result<(), StoreError> {
    change(system, |document| provider.write_to(document))
}

/// Forgets a provider.
///
/// # Errors
/// [`StoreError`].
pub fn forget(system: &System, name: &ProviderName) -> Result<(), StoreError> {
    if path(system).is_none_or(|path| !path.exists()) {
        return Ok(());
    }
    change(system, |document| {
        if let Some(credentials) = document.get_mut("credentials").and_then(Item::as_table_mut) {
            credentials.remove(name.as_str());
        }
        Some(())
    })
}

/// The text of the file as [`save`] would write it.
///
/// # Errors
/// [`StoreError`].
pub(super) fn text_with(system: &System, provider: &DiscoveredProvider) -> Result<String, StoreError> {
    changed(system, |document| provider.write_to(document))
}

/// The saved clients, by their providers.
#[must_use]
pub fn clients(system: &System) -> Vec<(ProviderName, DiscoveredClient)> {
    let document = read(system).ok().flatten().unwrap_or_default();
    let credentials = document.get("credentials").and_then(Item::as_table);
    let known = credentials.into_iter().flat_map(Table::iter);
    known.filter_map(|(name, credential)| Some((name.parse().ok()?, client(credential)?))).collect()
}

/// Takes the state out of a provider of the discovered layer: it is not configuration. In a file that people write, its keys
/// stay, and are unknown keys.
pub(super) fn take_state(credential: &mut Credential) {
    let Some(kind) = credential.kind.as_mut().filter(|kind| is_discovered(&kind.table)) else { return };
    let Value::Table(keys) = &mut kind.table.value else { return };
    let [issuer, ..] = STATE_KEYS.map(|key| keys.remove(key));
    credential.client_issuer = issuer.and_then(|issuer| Some(issuer.text()?.to_owned()));
}

/// Whether a key of the kind is about the discovered client.
#[must_use]
pub fn is_client_key(key: &str) -> bool {
    CLIENT_KEYS.contains(&key) || key == "client_id"
}

/// Whether a setting comes from this layer.
#[must_use]
pub fn is_discovered(setting: &Setting) -> bool {
    setting.origin.layer() == Layer::Discovered
}

impl DiscoveredProvider {
    /// `None` if the document has something else where a table should be.
    fn write_to(&self, document: &mut DocumentMut) -> Option<()> {
        let credentials = table(document.as_table_mut(), "credentials")?;
        credentials.set_implicit(true);
        let credential = table(credentials, self.name.as_str())?;
        if let Some(found) = &self.url {
            set(credential, "url", Some(found.url.as_str()));
            set(credential, "domain", Some(&authority(&found.url)));
            set(credential, "scheme", Some(found.url.scheme()));
        }
        let oauth = table(credential, "oauth")?;
        if let Some(found) = &self.url {
            set(oauth, "issuer", Some(&found.issuer));
            set(oauth, "resource", found.resource.as_deref());
            oauth.insert("scopes", value(found.scopes.iter().collect::<Array>()));
            match found.prompt() {
                Some(prompt) => {
                    let params = InlineTable::from_iter([("prompt", prompt)]);
                    drop(oauth.insert("extra_params", value(params)));
                }
                None => drop(oauth.remove("extra_params")),
            }
        }
        if let Some(client) = &self.client {
            client.write_to(oauth);
        }
        Some(())
    }
}

impl DiscoveredClient {
    fn write_to(&self, oauth: &mut Table) {
        for key in CLIENT_KEYS.iter().chain(&STATE_KEYS) {
            oauth.remove(key);
        }
        set(oauth, "client_id", Some(&self.id));
        set(oauth, "registered_with", Some(&self.issuer));
        set(oauth, "redirect_uri", self.redirect_uri.as_deref());
        set(oauth, "token_endpoint_auth_method", self.method.as_deref());
        set(oauth, "registered_scopes", self.scopes.as_ref().map(ScopeSet::to_string).as_deref());
        set(oauth, "registered_until", self.secret_ends.map(|ends| ends.to_string()).as_deref());
        if self.has_secret {
            oauth.insert("client_secret", value(InlineTable::from_iter([("stored", true)])));
        }
    }
}

/// The client in a provider's section.
fn client(section: &Item) -> Option<DiscoveredClient> {
    let oauth = section.get("oauth")?.as_table()?;
    let text = |key: &str| oauth.get(key).and_then(Item::as_str).map(str::to_owned);
    Some(DiscoveredClient {
        id: text("client_id")?,
        issuer: text("registered_with")?,
        redirect_uri: text("redirect_uri"),
        has_secret: oauth.contains_key("client_secret"),
        method: text("token_endpoint_auth_method"),
        scopes: text("registered_scopes").map(|scopes| ScopeSet::lenient(&scopes)),
        secret_ends: text("registered_until").and_then(|ends| ends.parse().ok()),
    })
}

fn change(system: &System, change: impl FnOnce(&mut DocumentMut) -> Option<()>) -> Result<(), StoreError> {
    let path = file(system)?;
    let _lock = Lock::take(&path.with_extension("lock"), LONGEST_WAIT, &*system.clock)?;
    Ok(private_file::write(&path, changed(system, change)?.as_bytes())?)
}

fn changed(
    system: &System,
    change: impl FnOnce(&mut DocumentMut) -> Option<()>,
) -> Result<String, StoreError> {
    let mut document = read(system)?.unwrap_or_default();
    let path = file(system)?;
    change(&mut document).ok_or_else(|| damaged(&path))?;
    Ok(format!("{HEAD}{document}"))
}

/// The document of the file; `None` if there is no file.
fn read(system: &System) -> Result<Option<DocumentMut>, StoreError> {
    let path = file(system)?;
    let Some(bytes) = private_file::read(&path)? else { return Ok(None) };
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    // A comment without a table after it would move behind all the tables.
    text.replace(HEAD, "").parse().map(Some).map_err(|_| damaged(&path))
}

fn file(system: &System) -> Result<PathBuf, StoreError> {
    Ok(system.paths.folder(Folder::State)?.join(FILE))
}

fn damaged(path: &Path) -> StoreError {
    let reason = io::Error::new(io::ErrorKind::InvalidData, "it is damaged; remove it, and log in again");
    FileError::Io { path: path.display().to_string(), source: reason }.into()
}

fn table<'a>(parent: &'a mut Table, name: &str) -> Option<&'a mut Table> {
    parent.entry(name).or_insert_with(toml_edit::table).as_table_mut()
}

fn set(table: &mut Table, key: &str, text: Option<&str>) {
    if let Some(text) = text {
        table.insert(key, value(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn a_url_has_a_name_of_its_own() {
        let name = name_of(&url("https://mcp.example.com/mcp"));
        assert!(name.as_str().starts_with("mcp-example-com-"), "{name}");
        assert_eq!(name_of(&url("https://mcp.example.com")), name_of(&url("https://mcp.example.com/")));
        assert_ne!(name_of(&url("https://mcp.example.com/a")), name_of(&url("https://mcp.example.com/b")));
        assert_ne!(name_of(&url("https://a.b")), name_of(&url("https://a-b")));
        assert!(name_of(&url("http://[::1]:8080/")).as_str().starts_with("1"), "a name has no bracket");
        assert!(name_of(&url(&format!("https://{}.example/", "x".repeat(60)))).as_str().len() <= 64);
    }

    #[test]
    fn what_is_above_a_url() {
        for (known, asked, want) in [
            ("https://a.b/mcp", "https://a.b/mcp", true),
            ("https://a.b/mcp", "https://a.b/mcp/x?y", true),
            ("https://a.b/mcp/", "https://a.b/mcp", true),
            ("https://a.b", "https://a.b/x", true),
            ("https://a.b/mcp", "https://a.b/mcpx", false),
            ("https://a.b/mcp", "https://a.b/", false),
            ("https://a.b/mcp", "https://a.b:8443/mcp", false),
            ("https://a.b/mcp", "http://a.b/mcp", false),
        ] {
            assert_eq!(is_at_or_above(&url(known), &url(asked)), want, "{known} {asked}");
        }
    }
}
