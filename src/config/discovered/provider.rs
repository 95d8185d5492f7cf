//! What a login adds to the discovered layer, and how a provider's section says it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, value};

use crate::config::provider_table::Credential;
use crate::discovery::resource::DiscoveredUrl;
use crate::name::{ProviderName, ScopeSet};
use crate::oauth::endpoint::authority;
use crate::schema::{Layer, Setting, Value};

/// The keys that go with a discovered client's identifier.
const CLIENT_KEYS: [&str; 3] = ["redirect_uri", "token_endpoint_auth_method", "client_secret"];
/// The keys that only this file has: the issuer that registered the client, its secret's expiry, and its allowed scopes.
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

/// Takes the state out of a provider of the discovered layer: it is not configuration. In a file that people write, its keys
/// stay, and are unknown keys.
pub(crate) fn take_state(credential: &mut Credential) {
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
    pub(super) fn write_to(&self, document: &mut DocumentMut) -> Option<()> {
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
pub(super) fn client(section: &Item) -> Option<DiscoveredClient> {
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

fn table<'a>(parent: &'a mut Table, name: &str) -> Option<&'a mut Table> {
    parent.entry(name).or_insert_with(toml_edit::table).as_table_mut()
}

fn set(table: &mut Table, key: &str, text: Option<&str>) {
    if let Some(text) = text {
        table.insert(key, value(text));
    }
}
