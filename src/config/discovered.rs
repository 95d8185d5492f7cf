//! What `authctl login` learned of servers and registered with them: a configuration file of its own, in the state folder,
//! under all that people write.

use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, value};
use url::Url;

use crate::binding::Binding;
use crate::name::{ProviderName, ScopeSet};
use crate::oauth::endpoint::authority;
use crate::os::private_file;
use crate::os::private_file::FileError;
use crate::ports::{Folder, System};
use crate::schema::{Layer, Setting};
use crate::store::StoreError;
use crate::store::lock::{LONGEST_WAIT, Lock};

/// What stands at the top of the file.
const HEAD: &str = "# Written by authctl: what it learned of servers that were logged in to by their URL, and what it registered.\n";
/// The longest part of a provider's name that is its host's.
const LONGEST_HOST: usize = 40;

/// The scope that a refresh token is asked for with, and what has to be asked with it: else the server "MUST ignore the
/// `offline_access` request" (OpenID Connect Core section 11).
pub const OFFLINE: &str = "offline_access";
const CONSENT: &str = "consent";

/// What goes with a registered client's identifier.
const CLIENT_KEYS: [&str; 5] =
    ["redirect_uri", "token_endpoint_auth_method", "client_secret", "registered_until", "registered_scopes"];

/// What was learned of one provider. What is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Learned {
    /// The URL that was logged in to.
    pub url: Option<Url>,
    /// The issuer of its authorization server.
    pub issuer: Option<String>,
    /// The scopes to ask for.
    pub scopes: Option<Vec<String>>,
    /// The resource that tokens are for (RFC 8707).
    pub resource: Option<String>,
    /// The client that was registered.
    pub client: Option<LearnedClient>,
}

/// A client that was registered by authctl, or is known to the server by its metadata document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LearnedClient {
    /// Its identifier.
    pub id: String,
    /// The issuer that knows it: it is used at no other (G4).
    pub issuer: String,
    /// The redirect URI that is registered, with its port.
    pub redirect_uri: Option<String>,
    /// Whether a secret was issued, which is in the token store.
    pub has_secret: bool,
    /// How it authenticates.
    pub method: Option<String>,
    /// The scopes that it may ask for, where it may not ask for all.
    pub scopes: Option<ScopeSet>,
    /// When its secret ends.
    pub secret_ends: Option<Timestamp>,
}

impl LearnedClient {
    /// Whether a server registered it on our request, and nobody else did.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        self.redirect_uri.is_some()
    }
}

impl Learned {
    /// The `prompt` that its scopes need in the authorization request.
    #[must_use]
    pub fn prompt(&self) -> Option<&'static str> {
        self.scopes.as_ref()?.iter().any(|scope| scope == OFFLINE).then_some(CONSENT)
    }
}

/// Where the file is.
#[must_use]
pub fn path(system: &System) -> Option<PathBuf> {
    Some(system.paths.folder(Folder::State).ok()?.join("learned.toml"))
}

/// The name of the provider that a URL stands for: its host, and a mark of the whole URL.
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

/// A resource's URL as it is compared and sent: without a fragment, and without a final slash where there is nothing before
/// it (MCP: "the canonical URI of the server").
#[must_use]
pub fn canonical(url: &Url) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    let text = url.to_string();
    if url.path() == "/" && url.query().is_none() { text.trim_end_matches('/').to_owned() } else { text }
}

/// Whether a URL is another one, or below it in its path.
pub(crate) fn is_at_or_above(known: &Url, url: &Url) -> bool {
    let folder = known.path().trim_end_matches('/');
    let rest = url.path().strip_prefix(folder);
    known.origin() == url.origin() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Notes what was learned of a provider.
///
/// # Errors
/// [`StoreError`].
pub fn write(system: &System, name: &ProviderName, learned: &Learned) -> Result<(), StoreError> {
    change(system, |document| {
        let credentials = table(document.as_table_mut(), "credentials")?;
        credentials.set_implicit(true);
        let credential = table(credentials, name.as_str())?;
        if let Some(url) = &learned.url {
            set(credential, "url", Some(url.as_str()));
            set(credential, "domain", Some(&authority(url)));
            set(credential, "scheme", Some(url.scheme()));
        }
        let oauth = table(credential, "oauth")?;
        set(oauth, "issuer", learned.issuer.as_deref());
        set(oauth, "resource", learned.resource.as_deref());
        if let Some(scopes) = &learned.scopes {
            oauth.insert("scopes", value(scopes.iter().collect::<Array>()));
            oauth.remove("extra_params");
        }
        if let Some(prompt) = learned.prompt() {
            oauth.insert("extra_params", value(InlineTable::from_iter([("prompt", prompt)])));
        }
        if let Some(client) = &learned.client {
            set_client(oauth, client);
        }
        Some(())
    })
}

fn set_client(oauth: &mut Table, client: &LearnedClient) {
    set(oauth, "client_id", Some(&client.id));
    set(oauth, "registered_with", Some(&client.issuer));
    for key in CLIENT_KEYS {
        oauth.remove(key);
    }
    set(oauth, "redirect_uri", client.redirect_uri.as_deref());
    set(oauth, "token_endpoint_auth_method", client.method.as_deref());
    set(oauth, "registered_scopes", client.scopes.as_ref().map(ScopeSet::to_string).as_deref());
    set(oauth, "registered_until", client.secret_ends.map(|ends| ends.to_string()).as_deref());
    if client.has_secret {
        oauth.insert("client_secret", value(InlineTable::from_iter([("stored", true)])));
    }
}

/// The clients that were learned, by their providers.
#[must_use]
pub fn clients(system: &System) -> Vec<(ProviderName, LearnedClient)> {
    let document = read(system).unwrap_or_default();
    let credentials = document.get("credentials").and_then(Item::as_table);
    let known = credentials.into_iter().flat_map(Table::iter);
    known.filter_map(|(name, credential)| Some((name.parse().ok()?, client(credential)?))).collect()
}

fn read(system: &System) -> Option<DocumentMut> {
    let bytes = private_file::read(&path(system)?).ok().flatten()?;
    std::str::from_utf8(&bytes).ok()?.replace(HEAD, "").parse().ok()
}

/// The client in a provider's section.
fn client(section: &Item) -> Option<LearnedClient> {
    let oauth = section.get("oauth")?.as_table()?;
    let text = |key: &str| oauth.get(key).and_then(Item::as_str).map(str::to_owned);
    Some(LearnedClient {
        id: text("client_id")?,
        issuer: text("registered_with")?,
        redirect_uri: text("redirect_uri"),
        has_secret: oauth.contains_key("client_secret"),
        method: text("token_endpoint_auth_method"),
        scopes: text("registered_scopes").map(|scopes| ScopeSet::lenient(&scopes)),
        secret_ends: text("registered_until").and_then(|ends| ends.parse().ok()),
    })
}

/// What was known of a provider before a login.
#[derive(Debug, Clone)]
pub struct Before {
    name: ProviderName,
    section: Option<Item>,
}

impl Before {
    /// As it is now.
    #[must_use]
    pub fn of(system: &System, name: &ProviderName) -> Self {
        let section = read(system).and_then(|document| {
            document.get("credentials").and_then(Item::as_table)?.get(name.as_str()).cloned()
        });
        Self { name: name.clone(), section }
    }

    /// Whether something else is known now.
    #[must_use]
    pub fn has_changed(&self, system: &System) -> bool {
        // A table by itself is written without the tables in it.
        let text = |section: &Option<Item>| {
            let mut document = DocumentMut::new();
            document
                .as_table_mut()
                .extend(section.iter().map(|section| (self.name.as_str(), section.clone())));
            document.to_string()
        };
        text(&self.section) != text(&Self::of(system, &self.name).section)
    }

    /// The client that was known.
    #[must_use]
    pub fn client(&self) -> Option<LearnedClient> {
        client(self.section.as_ref()?)
    }

    /// Makes it so again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_back(&self, system: &System) -> Result<(), StoreError> {
        change(system, |document| {
            let credentials = table(document.as_table_mut(), "credentials")?;
            match &self.section {
                Some(section) => drop(credentials.insert(self.name.as_str(), section.clone())),
                None => drop(credentials.remove(self.name.as_str())),
            }
            Some(())
        })
    }
}

/// Forgets what was learned of a provider.
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

/// Whether a key of the kind is about the client that was registered.
#[must_use]
pub fn is_client_key(key: &str) -> bool {
    CLIENT_KEYS.contains(&key) || matches!(key, "client_id" | "registered_with")
}

/// Whether a setting was learned, and not written by anybody.
#[must_use]
pub fn is_learned(setting: &Setting) -> bool {
    setting.origin.layer() == Layer::Learned
}

fn change(system: &System, change: impl FnOnce(&mut DocumentMut) -> Option<()>) -> Result<(), StoreError> {
    let path = system.paths.folder(Folder::State)?.join("learned.toml");
    let _lock = Lock::take(&path.with_extension("lock"), LONGEST_WAIT, &*system.clock)?;
    let damaged = || FileError::Io {
        path: path.display().to_string(),
        source: io::Error::new(io::ErrorKind::InvalidData, "it is damaged; remove it, and log in again"),
    };
    let text = private_file::read(&path)?;
    let text = text.as_ref().and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
    // A comment without a table to stand before would end up behind all of them.
    let mut document: DocumentMut = text.replace(HEAD, "").parse().map_err(|_| damaged())?;
    change(&mut document).ok_or_else(damaged)?;
    Ok(private_file::write(&path, format!("{HEAD}{document}").as_bytes())?)
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
    fn resource_urls_have_one_canonical_form() {
        for (text, want) in [
            ("https://MCP.example.com", "https://mcp.example.com"),
            ("https://mcp.example.com/", "https://mcp.example.com"),
            ("https://mcp.example.com:443/mcp", "https://mcp.example.com/mcp"),
            ("https://mcp.example.com/mcp/", "https://mcp.example.com/mcp/"),
            ("https://mcp.example.com/mcp#x", "https://mcp.example.com/mcp"),
            ("https://mcp.example.com/?a=b", "https://mcp.example.com/?a=b"),
        ] {
            assert_eq!(canonical(&url(text)), want, "{text}");
        }
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
