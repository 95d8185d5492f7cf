//! The parts of a provider's definition that decide where its secrets go and which servers are trusted with them.

use std::collections::BTreeSet;
use std::path::Path;

use super::merged::Config;
use crate::binding::Binding;
use crate::config::provider_table::Credential;
use crate::name::ProviderName;
use crate::oauth::endpoint::{authority, host_url};
use crate::provider::Kind;
use crate::schema::{Layer, Origin, Setting, Table, Value};
use crate::store::destinations::CONSUMER;
use crate::text::untrusted::escaped;

/// One such part.
#[derive(Debug, Clone)]
pub struct Part<'a> {
    value: PartValue<'a>,
    /// Whose definition it belongs to, if that is not the provider whose secrets are at stake.
    consumer: Option<Consumer>,
    pub origin: &'a Origin,
}

#[derive(Debug, Clone)]
enum PartValue<'a> {
    Host(String),
    Kind(&'a str),
    /// The path of a key, and its value.
    Key(String, &'a Setting),
}

impl<'a> Part<'a> {
    fn new(value: PartValue<'a>, origin: &'a Origin) -> Self {
        Self { value, consumer: None, origin }
    }

    #[must_use]
    pub fn what(&self) -> String {
        let what = match &self.value {
            PartValue::Host(host) => format!("the host {}", escaped(host)),
            PartValue::Kind(_) => "this value of `kind`".to_owned(),
            PartValue::Key(path, _) => format!("this value of `{}`", escaped(path)),
        };
        match &self.consumer {
            Some(Consumer::Provider(name)) => format!("{what} of `{name}`"),
            _ => what,
        }
    }

    /// The host, or the key with a digest of its value: the value may be a secret. The digest is made only here, because
    /// most parts are known by the file that they are in.
    #[must_use]
    pub fn recorded(&self) -> String {
        let key = |path: &str, value: serde_json::Value| {
            format!("{path} {}", Binding::default().with(path, value.to_string()).fingerprint())
        };
        let recorded = match &self.value {
            PartValue::Host(host) => format!("host {host}"),
            PartValue::Kind(name) => key("kind", (*name).into()),
            PartValue::Key(path, setting) => key(path, setting.json()),
        };
        match &self.consumer {
            None => recorded,
            Some(Consumer::Provider(name)) => format!("{CONSUMER}{name} {recorded}"),
            Some(Consumer::Store) => format!("{CONSUMER}{recorded}"),
        }
    }

    /// Whether one of these files, the machine's file or a template says it.
    #[must_use]
    pub fn is_from(&self, files: &[String]) -> bool {
        match (self.origin.layer(), self.origin) {
            (Layer::Template | Layer::Site, _) => true,
            (Layer::User | Layer::Discovered, Origin::File { source, .. }) => {
                let path = source.path.as_deref().map(Path::to_string_lossy);
                path.is_some_and(|path| files.iter().any(|file| **file == *path))
            }
            _ => false,
        }
    }
}

/// What a provider's token is handed on to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consumer {
    /// Another provider, whose grant works with it.
    Provider(ProviderName),
    /// The shared store, which it opens.
    Store,
}

impl Consumer {
    #[must_use]
    pub fn provider(&self) -> Option<&ProviderName> {
        if let Self::Provider(name) = self { Some(name) } else { None }
    }
}

impl Config {
    /// The parts of the definition of something that is given another provider's token, as that provider's reach records
    /// them.
    #[must_use]
    pub fn parts_of(&self, consumer: &Consumer) -> Vec<Part<'_>> {
        let mut parts = match consumer {
            Consumer::Provider(name) => self.parts(name),
            Consumer::Store => self.store_parts(),
        };
        parts.iter_mut().for_each(|part| part.consumer = Some(consumer.clone()));
        parts
    }

    /// The parts of `[store]` that decide which server is shown what opens it.
    #[must_use]
    pub fn store_parts(&self) -> Vec<Part<'_>> {
        let mut parts = Vec::new();
        let Some(table) = self.store.as_ref().and_then(|store| store.setting.table()) else { return parts };
        for key in ["address", "endpoints", "ca_file"] {
            if let Some(setting) = table.get(key) {
                add(&mut parts, &format!("store.{key}"), setting);
            }
        }
        parts
    }

    /// Everything that is given tokens of a provider, or tokens that are got with those.
    #[must_use]
    pub fn consumers(&self, name: &ProviderName) -> Vec<Consumer> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::from([name.clone()]);
        let mut pending = vec![name.clone()];
        while let Some(needed) = pending.pop() {
            if self.opens_store(&needed) && !found.contains(&Consumer::Store) {
                found.push(Consumer::Store);
            }
            for (consumer, credential) in &self.credentials {
                if credential.needs(&needed) && seen.insert(consumer.clone()) {
                    found.push(Consumer::Provider(consumer.clone()));
                    pending.push(consumer.clone());
                }
            }
        }
        found
    }

    /// The parts of a provider's definition. A key counts unless it is declared harmless, so a new key is covered by default.
    #[must_use]
    pub fn parts(&self, name: &ProviderName) -> Vec<Part<'_>> {
        let Some(credential) = self.credentials.get(name) else { return Vec::new() };
        let mut parts = Vec::new();
        let scheme = credential.keys.get("scheme").and_then(Setting::text).unwrap_or("https");
        for (key, setting) in &credential.keys {
            match (key.as_str(), setting.strings()) {
                ("domain" | "hosts", Some(hosts)) => {
                    let normalised = |host: &str| {
                        host_url(scheme, host).map_or_else(|_| host.to_owned(), |url| authority(&url))
                    };
                    let hosts = hosts.into_iter().map(|host| PartValue::Host(normalised(host)));
                    parts.extend(hosts.map(|host| Part::new(host, &setting.origin)));
                }
                _ => add(&mut parts, key, setting),
            }
        }
        let Some(kind) = &credential.kind else { return parts };
        parts.push(Part::new(PartValue::Kind(kind.canonical()), &kind.table.origin));
        let is_harmless =
            |name: &str| Kind::keys_of(&kind.called).any(|key| key.name == name && key.is_harmless());
        for (key, setting) in kind.table.table().into_iter().flatten() {
            if !is_harmless(key) {
                add(&mut parts, &format!("{}.{key}", kind.canonical()), setting);
            }
        }
        parts
    }
}

impl Credential {
    /// Whether its grant works with a token of another provider.
    fn needs(&self, needed: &ProviderName) -> bool {
        let mut inputs = self.kind.iter().filter_map(|kind| kind.table.table()).flat_map(Table::values);
        inputs.any(|input| {
            let named = input.table().and_then(|members| members.get("provider")).and_then(Setting::text);
            named == Some(needed.as_str())
        })
    }
}

/// Adds each value below a key, with its own origin.
fn add<'a>(parts: &mut Vec<Part<'a>>, path: &str, setting: &'a Setting) {
    match &setting.value {
        Value::Table(members) => {
            members.iter().for_each(|(name, member)| add(parts, &format!("{path}.{name}"), member));
        }
        _ => parts.push(Part::new(PartValue::Key(path.to_owned(), setting), &setting.origin)),
    }
}
