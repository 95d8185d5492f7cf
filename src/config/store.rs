//! The grammar of `store`: which store, where the key of sealed records comes from, and where a shared engine is.

use std::path::PathBuf;

use super::Config;
use crate::name::{AccountName, ProviderName};
use crate::oauth::endpoint::EndpointUrl;
use crate::ports::Environment;
use crate::schema::{Key, Problem, SecretSource, Section, Setting, Shape, Table, Value, check};
use crate::store::sealed::key_source::KeySource;
use crate::store::shared::{EngineAddress, EngineSettings};
use crate::store::{StoreChoice, StoreKind, StoreSettings};
use crate::text::untrusted::escaped;

/// The kinds, as `store` or `kind` names them.
pub const STORE_KINDS: &[&str] = &["auto", "keyring", "file", "etcd", "vault"];

/// The keys of a `[store]` table.
pub const STORE_KEYS: &[&Key] = &[
    &Key::new("kind", Shape::Choice(STORE_KINDS), "Where tokens are kept").or("auto"),
    &Key::new(
        "key",
        Shape::KeySource,
        "Where the key of sealed records comes from: \"file\", \"passphrase\" (asked by `store unlock`), or { command = […] } that prints 32 bytes in base64",
    )
    .or("file")
    .trusted(),
    &Key::new("unlock_for", Shape::Duration, "How long a passphrase is remembered in the kernel's keyring").or("8h"),
    &Key::new(
        "cache",
        Shape::Choice(&["none", "kernel"]),
        "Whether `token` keeps access tokens in the kernel's keyring until they must be renewed (Linux)",
    )
    .or("none"),
    &Key::new("prefix", Shape::Text, "What our keys begin with in etcd or Vault").or("authctl/").trusted(),
    &Key::new("ca_file", Shape::Text, "Further certificate authorities for etcd or Vault, in PEM").trusted(),
    &Key::new("certificate", Shape::Text, "The client certificate for etcd or Vault, in PEM").trusted(),
    &Key::new("private_key", Shape::Secret, "The certificate's key, where it is not in the same file"),
    &Key::new("endpoints", Shape::Strings, "The URLs of etcd's nodes").trusted(),
    &Key::new("username", Shape::Text, "Our user in etcd"),
    &Key::new("password", Shape::Secret, "Its password"),
    &Key::new("address", Shape::Text, "Vault's URL; without it VAULT_ADDR, if the token comes from the environment too").trusted(),
    &Key::new("mount", Shape::Text, "Where Vault's secrets engine `kv` of version 2 is mounted").or("secret"),
    &Key::new("namespace", Shape::Text, "Vault's namespace; else the environment's VAULT_NAMESPACE"),
    &Key::new("token", Shape::Input, "The token for Vault; else the environment's VAULT_TOKEN, else ~/.vault-token"),
];

/// The keys that belong to both engines, to etcd and to Vault.
const OF_ENGINES: [(&[StoreKind], &[&str]); 3] = [
    (&[StoreKind::Etcd, StoreKind::Vault], &["prefix", "ca_file", "certificate", "private_key"]),
    (&[StoreKind::Etcd], &["endpoints", "username", "password"]),
    (&[StoreKind::Vault], &["address", "mount", "namespace", "token"]),
];

/// Whether a key of `store` holds for every store.
pub(super) fn is_common_key(name: &str) -> bool {
    let is_common = |key: &&Key| !OF_ENGINES.iter().any(|(_, keys)| keys.contains(&key.name));
    STORE_KEYS.iter().any(|key| key.name == name && is_common(key))
}

/// Checks `store`, and gives it back with its secrets named without their `_`.
pub(super) fn parse(setting: &Setting) -> (Setting, Vec<Problem>) {
    let mut table = match &setting.value {
        Value::Text(_) => Table::from([("kind".to_owned(), setting.clone())]),
        Value::Table(table) => table.clone(),
        other => {
            let message = format!("`store` must be a string or a table, not {}", other.type_name());
            return (setting.clone(), vec![Problem::new(message, &setting.origin)]);
        }
    };
    let mut problems = Vec::new();
    for key in STORE_KEYS.iter().filter(|key| key.is_secret()) {
        if let Some(secret) = table.remove(&format!("_{}", key.name))
            && table.insert(key.name.to_owned(), secret).is_some()
        {
            let message = format!("`store` has both `{0}` and `_{0}`", key.name);
            problems.push(Problem::new(message, &setting.origin).hint("leave one of them"));
        }
    }
    let setting = Setting::new(Value::Table(table), setting.origin.clone());
    problems.extend(check("store", &setting, STORE_KEYS, false));
    if problems.is_empty() {
        problems = combination(&setting);
    }
    (setting, problems)
}

/// What does not go together.
fn combination(setting: &Setting) -> Vec<Problem> {
    let Some(section) = section(setting) else { return Vec::new() };
    let kind = kind(&section);
    let mut problems = Vec::new();
    for (kinds, keys) in OF_ENGINES {
        for key in
            keys.iter().filter(|key| section.has(key) && !kind.is_some_and(|kind| kinds.contains(&kind)))
        {
            let kinds: Vec<String> = kinds.iter().map(|kind| format!("kind = \"{}\"", kind.name())).collect();
            problems.push(hidden(section.problem(key, &format!("belongs to {}", kinds.join(" or ")))));
        }
    }
    for key in ["password", "private_key"] {
        if matches!(section.secret(key), Some(SecretSource::Stored(_))) {
            let problem = section.problem(key, "cannot be kept in the store that it opens");
            problems.push(hidden(problem).hint("write { env = … }, { file = … } or { command = […] }"));
        }
    }
    let Some(kind) = kind.filter(|kind| kind.is_shared()) else { return problems };
    if key_source(&section) == KeySource::File {
        let message = "must be \"passphrase\" or { command = […] }: every machine needs the same key";
        problems.push(section.problem("key", message));
    }
    if kind == StoreKind::Etcd && section.strings("endpoints").is_empty() {
        problems.push(section.problem("endpoints", "is missing: the URLs of etcd's nodes"));
    }
    for (key, text) in section
        .strings("endpoints")
        .iter()
        .map(|text| ("endpoints", text.as_str()))
        .chain(section.text("address").map(|text| ("address", text)))
    {
        if let Err(error) = EndpointUrl::configured(text) {
            problems.push(section.url_problem(key, &format!("cannot be used: {error}"), error.is_secret()));
        }
    }
    if section.section("token").is_some_and(|token| token.has("stdin")) {
        problems.push(section.problem("token", "cannot be piped in").hiding_value());
    }
    if let Some(named) = section.section("token").and_then(|token| token.text("provider"))
        && named.parse::<ProviderName>().is_err()
    {
        let message = format!("names no provider: {}", escaped(named));
        problems.push(section.problem("token", &message).hiding_value());
    }
    problems
}

fn hidden(problem: Problem) -> Problem {
    problem.hiding_value()
}

fn section(setting: &Setting) -> Option<Section<'_>> {
    setting.table().map(|table| Section::new("store", table, &setting.origin))
}

fn kind(section: &Section<'_>) -> Option<StoreKind> {
    let named = section.text("kind")?;
    StoreKind::ALL.into_iter().find(|kind| kind.name() == named)
}

fn key_source(section: &Section<'_>) -> KeySource {
    match section.text("key") {
        Some("passphrase") => KeySource::Passphrase,
        Some(_) => KeySource::File,
        None => {
            section.section("key").map_or(KeySource::File, |key| KeySource::Command(key.strings("command")))
        }
    }
}

/// Where what lets us into a shared engine comes from.
#[derive(Debug, Clone, Default)]
pub struct EngineSecrets {
    /// etcd's password, or Vault's token.
    pub secret: EngineSecret,
    /// The file of the client certificate.
    pub certificate: Option<PathBuf>,
    /// Its key.
    pub private_key: Option<SecretSource>,
}

/// The password or the token.
#[derive(Debug, Clone, Default)]
pub enum EngineSecret {
    /// None is configured.
    #[default]
    None,
    /// Where Vault's own tools have it.
    OfVault,
    /// A reference.
    From(SecretSource),
    /// Another provider's access token.
    Provider(ProviderName, Option<AccountName>),
}

impl Config {
    /// Which store is configured.
    #[must_use]
    pub fn store_choice(&self) -> StoreChoice {
        let kind = self.store.as_ref().and_then(section).and_then(|section| kind(&section));
        kind.map_or(StoreChoice::Auto, StoreChoice::Only)
    }

    /// What is configured of the store.
    #[must_use]
    pub fn store_settings(&self, environment: &dyn Environment) -> StoreSettings {
        let settings = StoreSettings { choice: self.store_choice(), ..StoreSettings::default() };
        let Some(section) = self.store.as_ref().and_then(section) else { return settings };
        StoreSettings {
            key: key_source(&section),
            remembered_for: section.duration("unlock_for").unwrap_or(settings.remembered_for),
            engine: engine(&section, environment),
            withholds_token: kind(&section) == Some(StoreKind::Vault)
                && !section.has("address")
                && environment.variable("VAULT_ADDR").is_some_and(|address| !address.is_empty())
                && !token_is_of_environment(&section, environment),
            ..settings
        }
    }

    /// Whether access tokens are cached in the kernel's keyring.
    #[must_use]
    pub fn caches_in_kernel(&self) -> bool {
        let section = self.store.as_ref().and_then(section);
        section.is_some_and(|section| section.text("cache") == Some("kernel"))
    }

    /// Whether a provider's token lets us into the shared engine.
    #[must_use]
    pub fn opens_store(&self, name: &ProviderName) -> bool {
        matches!(self.engine_secrets().secret, EngineSecret::Provider(provider, _) if provider == *name)
    }

    /// What lets us into the shared engine.
    #[must_use]
    pub fn engine_secrets(&self) -> EngineSecrets {
        let Some(section) = self.store.as_ref().and_then(section) else { return EngineSecrets::default() };
        let token = section.section("token");
        let provider = token.as_ref().and_then(|token| token.text("provider")?.parse().ok());
        let account = token.as_ref().and_then(|token| token.text("account")?.parse().ok());
        let reference = section.secret("password").or_else(|| section.secret("token"));
        EngineSecrets {
            secret: match (provider, reference) {
                (Some(provider), _) => EngineSecret::Provider(provider, account),
                (None, Some(reference)) => EngineSecret::From(reference),
                (None, None) if kind(&section) == Some(StoreKind::Vault) => EngineSecret::OfVault,
                (None, None) => EngineSecret::None,
            },
            certificate: section.path("certificate", None),
            private_key: section.secret("private_key"),
        }
    }
}

/// Whether Vault's token comes from the environment. Only then may variables choose the address and the authorities: a
/// variable must not redirect any other token.
fn token_is_of_environment(section: &Section<'_>, environment: &dyn Environment) -> bool {
    match (section.has("token"), section.secret("token")) {
        (false, _) => environment.variable("VAULT_TOKEN").is_some_and(|token| !token.is_empty()),
        (true, Some(SecretSource::Environment(_))) => true,
        (true, _) => false,
    }
}

fn engine(section: &Section<'_>, environment: &dyn Environment) -> Option<EngineSettings> {
    let url = |text: &str| EndpointUrl::configured(text).ok();
    let decides = token_is_of_environment(section, environment);
    let deciding = |variable: &str| environment.variable(variable).filter(|_| decides);
    let address = match kind(section)? {
        StoreKind::Etcd => EngineAddress::Etcd {
            endpoints: section.strings("endpoints").iter().filter_map(|text| url(text)).collect(),
            username: section.text("username").map(str::to_owned),
        },
        StoreKind::Vault => EngineAddress::Vault {
            address: url(&section.text("address").map(str::to_owned).or_else(|| deciding("VAULT_ADDR"))?)?,
            mount: section.text("mount").unwrap_or("secret").to_owned(),
            namespace: section
                .text("namespace")
                .map(str::to_owned)
                .or_else(|| environment.variable("VAULT_NAMESPACE"))
                .filter(|namespace| !namespace.is_empty()),
        },
        StoreKind::Keyring | StoreKind::File => return None,
    };
    let ca_file = section.path("ca_file", None);
    let prefix = section.text("prefix").unwrap_or("authctl/");
    let prefix = format!("{}/", prefix.trim_end_matches('/'));
    let is_vault = matches!(address, EngineAddress::Vault { .. });
    let of_vault = || deciding("VAULT_CACERT").filter(|path| is_vault && !path.is_empty()).map(PathBuf::from);
    Some(EngineSettings { address, prefix, ca_file: ca_file.or_else(of_vault) })
}
