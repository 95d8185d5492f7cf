//! The secrets that a provider's configuration names, and where each comes from.

use super::Config;
use crate::name::ProviderName;
use crate::provider::Kind;
use crate::schema::{SecretSource, Section};

impl Config {
    /// The keys of a provider that are secret and are written, with where they come from.
    #[must_use]
    pub fn secrets_of(&self, name: &ProviderName) -> Vec<(&'static str, SecretSource)> {
        let Some(written) = self.credentials.get(name).and_then(|credential| credential.kind.as_ref()) else {
            return Vec::new();
        };
        let Some(table) = written.table.table() else { return Vec::new() };
        let section = Section::new("", table, &written.table.origin);
        let keys = Kind::keys_of(&written.called).filter(|key| key.is_secret());
        let mut secrets: Vec<_> =
            keys.filter_map(|key| Some((key.name, section.secret(key.name)?))).collect();
        secrets.sort_by_key(|(key, _)| *key);
        secrets.dedup_by_key(|(key, _)| *key);
        secrets
    }
}
