//! Which secrets of a provider may be kept in the token store, and which are.

use crate::app::App;
use crate::binding::Binding;
use crate::config::Provider;
use crate::name::ProviderName;
use crate::schema::{Setting, Table};
use crate::session::registration::stored_records;
use crate::store::record::RecordName;

/// The keys whose values may be kept in the store: the kind's secrets, and what the configuration marks so in its tables,
/// written `headers.X-Api-Key`.
pub fn keys(app: &App<'_>, provider: &Provider) -> Vec<String> {
    let mut keys: Vec<String> =
        provider.kind.all_keys().filter(|key| key.is_secret()).map(|key| key.name.to_owned()).collect();
    for (name, setting) in written(app, &provider.name).into_iter().flatten() {
        let stored = |member: &Setting| member.table().is_some_and(|table| table.contains_key("stored"));
        let members = setting.table().into_iter().flatten().filter(|(_, member)| stored(member));
        keys.extend(members.map(|(member, _)| format!("{name}.{}", member.trim_start_matches('_'))));
    }
    keys
}

/// The names of all configured secrets that are kept in the store, and what they are bound to; without those of providers
/// that stay where they are.
pub fn stored_secrets(app: &App<'_>, stays: &dyn Fn(&ProviderName) -> bool) -> Vec<(RecordName, Binding)> {
    let mut found = Vec::new();
    for name in app.config.credentials.keys().filter(|name| !stays(name)) {
        let Ok(provider) = app.config.provider(name) else { continue };
        let binding = provider.source.binding();
        for key in keys(app, &provider).iter().filter(|key| is_stored(app, name, key)) {
            found.push((RecordName::of_secret(name, key, &binding), binding.clone()));
        }
    }
    found.extend(stored_records(app.system, app.config, stays));
    found
}

/// Whether the configuration says that a secret is kept in the store.
pub fn is_stored(app: &App<'_>, provider: &ProviderName, key: &str) -> bool {
    let reference = |setting: &Setting| setting.table().is_some_and(|table| table.contains_key("stored"));
    key.contains('.') || written(app, provider).and_then(|table| table.get(key)).is_some_and(reference)
}

/// The keys of a provider's kind as they are written.
fn written<'a>(app: &'a App<'_>, provider: &ProviderName) -> Option<&'a Table> {
    app.config.credentials.get(provider)?.kind.as_ref()?.table.table()
}
