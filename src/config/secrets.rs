//! The secrets that a provider's configuration names, and where each comes from.

use std::collections::BTreeSet;

use super::merged::Config;
use crate::name::ProviderName;
use crate::provider::Kind;
use crate::schema::{SecretSource, Setting, Value, secret};
use crate::store::{StoreChoice, StoreKind};

impl Config {
    /// The keys of a provider that are secret and are written, with where they come from.
    #[must_use]
    pub fn secrets_of(&self, name: &ProviderName) -> Vec<(&'static str, SecretSource)> {
        let Some(written) = self.credentials.get(name).and_then(|credential| credential.kind.as_ref()) else {
            return Vec::new();
        };
        let Some(table) = written.table.table() else { return Vec::new() };
        let keys = Kind::keys_of(&written.called).filter(|key| key.is_secret());
        let mut secrets: Vec<(&str, SecretSource)> =
            keys.filter_map(|key| Some((key.name, secret(key.name, table.get(key.name)?)?))).collect();
        secrets.retain(|(_, source)| !source.is_empty());
        secrets.sort_by_key(|(key, _)| *key);
        secrets.dedup_by_key(|(key, _)| *key);
        secrets
    }

    /// The environment variables that secrets are read from: browsers and editors do not inherit them.
    #[must_use]
    pub fn secret_variables(&self) -> BTreeSet<String> {
        fn collect(setting: &Setting, found: &mut BTreeSet<String>) {
            match &setting.value {
                Value::Table(table) => {
                    if let (1, Some(name)) = (table.len(), table.get("env").and_then(Setting::text)) {
                        found.insert(name.to_owned());
                    }
                    table.values().for_each(|member| collect(member, found));
                }
                Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
                _ => {}
            }
        }
        let mut found = BTreeSet::new();
        self.store.iter().for_each(|store| collect(&store.setting, &mut found));
        if matches!(self.store_choice(), StoreChoice::Only(StoreKind::Vault)) {
            found.insert("VAULT_TOKEN".to_owned());
        }
        for written in self.credentials.values().filter_map(|credential| credential.kind.as_ref()) {
            collect(&written.table, &mut found);
            for kind in Kind::named(&written.called) {
                found.extend(kind.variables.iter().map(|&name| name.to_owned()));
            }
            let table = written.table.table();
            let variable = table.and_then(|table| table.get("variable")).and_then(Setting::text);
            found.extend(variable.map(str::to_owned));
        }
        found
    }
}
