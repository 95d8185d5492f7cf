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
pub struct Part {
    /// What it is, for messages.
    pub what: String,
    /// The host, or the key with a digest of its value: the value may be a secret.
    pub recorded: String,
    /// Where it is written.
    pub origin: Origin,
}

impl Part {
    fn host(text: &str, scheme: &str, origin: &Origin) -> Self {
        let host = host_url(scheme, text).map_or_else(|_| text.to_owned(), |url| authority(&url));
        Self {
            what: format!("the host {}", escaped(&host)),
            recorded: format!("host {host}"),
            origin: origin.clone(),
        }
    }

    fn key(path: &str, setting: &Setting) -> Self {
        let digest = Binding::default().with(path, setting.json().to_string()).fingerprint();
        Self {
            what: format!("this value of `{}`", escaped(path)),
            recorded: format!("{path} {digest}"),
            origin: setting.origin.clone(),
        }
    }

    /// Whether one of these files, the machine's file or a template says it.
    #[must_use]
    pub fn is_from(&self, files: &[String]) -> bool {
        match (self.origin.layer(), &self.origin) {
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
    /// The provider that it is.
    #[must_use]
    pub fn provider(&self) -> Option<&ProviderName> {
        if let Self::Provider(name) = self { Some(name) } else { None }
    }
}

impl Config {
    /// The parts of the definition of something that is given another provider's token, as that provider's reach records
    /// them.
    #[must_use]
    pub fn parts_of(&self, consumer: &Consumer) -> Vec<Part> {
        match consumer {
            Consumer::Provider(name) => {
                let parts = self.parts(name).into_iter();
                let of_consumer = |part: Part| Part {
                    what: format!("{} of `{name}`", part.what),
                    recorded: format!("{CONSUMER}{name} {}", part.recorded),
                    ..part
                };
                parts.map(of_consumer).collect()
            }
            Consumer::Store => {
                let recorded = |part: Part| Part { recorded: format!("{CONSUMER}{}", part.recorded), ..part };
                self.store_parts().into_iter().map(recorded).collect()
            }
        }
    }

    /// The parts of `[store]` that decide which server is shown what opens it.
    #[must_use]
    pub fn store_parts(&self) -> Vec<Part> {
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
    pub fn parts(&self, name: &ProviderName) -> Vec<Part> {
        let Some(credential) = self.credentials.get(name) else { return Vec::new() };
        let mut parts = Vec::new();
        let scheme = credential.keys.get("scheme").and_then(Setting::text).unwrap_or("https");
        for (key, setting) in &credential.keys {
            match (key.as_str(), setting.strings()) {
                ("domain" | "hosts", Some(hosts)) => {
                    parts.extend(hosts.iter().map(|host| Part::host(host, scheme, &setting.origin)));
                }
                _ => add(&mut parts, key, setting),
            }
        }
        let Some(kind) = &credential.kind else { return parts };
        let called = Setting::new(Value::Text(kind.canonical().to_owned()), kind.table.origin.clone());
        parts.push(Part::key("kind", &called));
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
fn add(parts: &mut Vec<Part>, path: &str, setting: &Setting) {
    match &setting.value {
        Value::Table(members) => {
            members.iter().for_each(|(name, member)| add(parts, &format!("{path}.{name}"), member));
        }
        _ => parts.push(Part::key(path, setting)),
    }
}
