//! The grammar of `store`: the kind of store, the source of its encryption key, and a shared store's address.

use crate::name::ProviderName;
use crate::oauth::endpoint::EndpointUrl;
use crate::schema::{Key, Problem, SecretSource, Section, Setting, Shape, Table, TokenSource, Value, check};
use crate::store::StoreKind;
use crate::store::sealed::key_source::KeySource;
use crate::text::untrusted::escaped;

/// The kinds, as `store` or `kind` names them.
pub const STORE_KINDS: &[&str] = &["auto", "keyring", "file", "etcd", "vault"];

/// The keys of a `[store]` table.
pub const STORE_KEYS: &[&Key] = &[
    &Key::new("kind", Shape::Choice(STORE_KINDS), "Where to store tokens").or("auto"),
    &Key::new(
        "key",
        Shape::KeySource,
        "The source of the encryption key: \"file\", \"passphrase\" (which `authctl store unlock` asks for), or a { command = […] } that prints 32 bytes in base64",
    )
    .or("file")
    .trusted(),
    &Key::new("unlock_for", Shape::Duration, "How long the kernel's keyring remembers the passphrase").or("8h"),
    &Key::new(
        "cache",
        Shape::Choice(&["none", "kernel"]),
        "Whether `authctl token` caches access tokens in the kernel's keyring (Linux)",
    )
    .or("none"),
    &Key::new("prefix", Shape::Text, "The prefix of authctl's keys in etcd or Vault").or("authctl/").trusted(),
    &Key::new("ca_file", Shape::Text, "A PEM file with additional certificate authorities for etcd or Vault").trusted(),
    &Key::new("certificate", Shape::Text, "A PEM file with the client certificate for etcd or Vault").trusted(),
    &Key::new("private_key", Shape::Secret, "The certificate's private key, if it is not in the certificate file"),
    &Key::new("endpoints", Shape::Strings, "The URLs of etcd's nodes").trusted(),
    &Key::new("username", Shape::Text, "The etcd user name"),
    &Key::new("password", Shape::Secret, "The etcd user's password"),
    &Key::new("address", Shape::Text, "Vault's URL; defaults to VAULT_ADDR if the token also comes from the environment").trusted(),
    &Key::new("mount", Shape::Text, "The mount path of Vault's KV version 2 secrets engine").or("secret"),
    &Key::new("namespace", Shape::Text, "Vault's namespace; defaults to VAULT_NAMESPACE"),
    &Key::new("token", Shape::Input, "Vault's token; defaults to VAULT_TOKEN, then ~/.vault-token"),
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

/// `store`: as it is written, with its secrets named without their `_`, and as it is read.
#[derive(Debug, Clone)]
pub struct StoreTable {
    pub setting: Setting,
    pub(super) section: Section,
}

impl StoreTable {
    /// Checks and reads `store`.
    pub(super) fn read(setting: &Setting) -> (Self, Vec<Problem>) {
        let mut table = match &setting.value {
            Value::Text(_) => Table::from([("kind".to_owned(), setting.clone())]),
            Value::Table(table) => table.clone(),
            other => {
                let message = format!("`store` must be a string or a table, not {}", other.type_name());
                let section = Section::new("store", &setting.origin);
                let problem = Problem::new(message, &setting.origin);
                return (Self { setting: setting.clone(), section }, vec![problem]);
            }
        };
        let mut problems = Vec::new();
        for key in STORE_KEYS.iter().filter(|key| key.is_secret()) {
            if let Some(secret) = table.remove(&format!("_{}", key.name))
                && table.insert(key.name.to_owned(), secret).is_some()
            {
                let message = format!("`store` has both `{0}` and `_{0}`", key.name);
                problems.push(Problem::new(message, &setting.origin).hint("remove one of them"));
            }
        }
        let (section, found) = check("store", &table, &setting.origin, STORE_KEYS, false);
        problems.extend(found);
        let read = Self { setting: Setting::new(Value::Table(table), setting.origin.clone()), section };
        if problems.is_empty() {
            problems = read.combination();
        }
        (read, problems)
    }

    /// What does not go together.
    fn combination(&self) -> Vec<Problem> {
        let Self { section, .. } = self;
        let kind = self.kind();
        let mut problems = Vec::new();
        for (kinds, keys) in OF_ENGINES {
            for key in
                keys.iter().filter(|key| section.has(key) && !kind.is_some_and(|kind| kinds.contains(&kind)))
            {
                let kinds: Vec<String> =
                    kinds.iter().map(|kind| format!("kind = \"{}\"", kind.name())).collect();
                problems.push(hidden(section.problem(key, &format!("belongs to {}", kinds.join(" or ")))));
            }
        }
        for key in ["password", "private_key"] {
            if matches!(section.secret(key), Some(SecretSource::Stored(_))) {
                let problem = section.problem(key, "cannot be in the store that it opens");
                problems.push(hidden(problem).hint("write { env = … }, { file = … } or { command = […] }"));
            }
        }
        let Some(kind) = kind.filter(|kind| kind.is_shared()) else { return problems };
        if self.key_source() == KeySource::File {
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
                problems.push(section.url_problem(
                    key,
                    &format!("cannot be used: {error}"),
                    error.is_secret(),
                ));
            }
        }
        match section.token("token") {
            Some(TokenSource::Stdin) => {
                problems.push(section.problem("token", "cannot be piped in").hiding_value());
            }
            Some(TokenSource::Provider { name, .. }) if name.parse::<ProviderName>().is_err() => {
                let message = format!("does not name a valid provider: {}", escaped(name));
                problems.push(section.problem("token", &message).hiding_value());
            }
            _ => {}
        }
        problems
    }

    pub(super) fn kind(&self) -> Option<StoreKind> {
        let named = self.section.text("kind")?;
        StoreKind::ALL.into_iter().find(|kind| kind.name() == named)
    }

    pub(super) fn key_source(&self) -> KeySource {
        match self.section.text("key") {
            Some("passphrase") => KeySource::Passphrase,
            None if self.section.has("key") => KeySource::Command(self.section.strings("key")),
            _ => KeySource::File,
        }
    }
}

fn hidden(problem: Problem) -> Problem {
    problem.hiding_value()
}
