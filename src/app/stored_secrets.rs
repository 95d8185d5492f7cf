//! Which of a provider's secrets can be stored in the token store, and which are.

use crate::app::App;
use crate::binding::Binding;
use crate::config::Provider;
use crate::name::ProviderName;
use crate::schema::{Setting, Table};
use crate::session::registration::stored_records;
use crate::store::record::RecordName;

/// Returns the keys whose values can be stored: the kind's secrets, and members of tables that the configuration marks as
/// stored, such as `headers.X-Api-Key`.
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

/// Returns the names and bindings of all stored secrets, except for the providers that `stays` selects.
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

/// Whether the configuration says that this secret is in the store.
pub fn is_stored(app: &App<'_>, provider: &ProviderName, key: &str) -> bool {
    let reference = |setting: &Setting| setting.table().is_some_and(|table| table.contains_key("stored"));
    key.contains('.') || written(app, provider).and_then(|table| table.get(key)).is_some_and(reference)
}

/// Returns the kind's table as the config file defines it.
fn written<'a>(app: &'a App<'_>, provider: &ProviderName) -> Option<&'a Table> {
    app.config.credentials.get(provider)?.kind.as_ref()?.table.table()
}
