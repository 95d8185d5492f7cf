//! The lines that are shown of a configuration. Nothing is resolved: neither the network nor the keyring is touched.

use super::mask::Mask;
use super::shown::{Line, Shown, ShownProvider};
use crate::config::merged::Config;
use crate::config::provider_table::{CREDENTIAL_KEYS, Credential, WrittenKind};
use crate::config::store_table::STORE_KEYS;
use crate::ports::Environment;
use crate::provider::Kind;
use crate::schema::{Key, Origin, Setting, Shape, Table, secret_reference, token_source};
use crate::text::untrusted::escaped;

/// What is shown of a provider. Nothing is resolved: neither the network nor the keyring is touched.
#[must_use]
pub fn provider(credential: &Credential, environment: &dyn Environment) -> ShownProvider {
    let mask = Mask { environment };
    let keys = lines(
        &credential.keys,
        |name| CREDENTIAL_KEYS.iter().copied().find(|key| key.name == name),
        false,
        &mask,
    );
    ShownProvider {
        keys,
        kind: credential.kind.as_ref().map(|kind| (kind.called.clone(), kind_lines(kind, &mask))),
    }
}

/// What is shown of the top of the configuration.
#[must_use]
pub fn top(config: &Config, environment: &dyn Environment) -> Vec<Line> {
    let mask = Mask { environment };
    let shown = |key: &str, setting: &Option<Setting>| {
        let setting = setting.as_ref()?;
        Some(Line { key: key.to_owned(), shown: mask.plain(setting)?, origin: setting.origin.to_string() })
    };
    let mut top: Vec<Line> = shown("default", &config.default).into_iter().collect();
    let table = config.store.as_ref().and_then(|store| store.setting.table());
    match table.filter(|table| table.len() > 1 || !table.contains_key("kind")) {
        Some(table) => {
            let known = |name: &str| STORE_KEYS.iter().copied().find(|key| key.name == name);
            let store = lines(table, known, false, &mask);
            top.extend(store.into_iter().map(|line| Line { key: format!("store.{}", line.key), ..line }));
        }
        None => top.extend(shown("store", &table.and_then(|table| table.get("kind")).cloned())),
    }
    top.extend(shown("browser", &config.browser));
    top.extend(shown("on_login_required", &config.on_login_required));
    top.extend(shown("client_id_metadata", &config.client_id_metadata));
    top
}

fn kind_lines(kind: &WrittenKind, mask: &Mask<'_>) -> Vec<Line> {
    let empty = Table::new();
    let table = kind.table.table().unwrap_or(&empty);
    let grant = table.get("grant_type").and_then(Setting::text);
    let variants: Vec<_> = Kind::named(&kind.called).collect();
    let exact =
        grant.and_then(|grant| variants.iter().find(|known| known.has_grant(grant))).or(variants.first());
    let known = |name: &str| variants.iter().flat_map(|kind| kind.all_keys()).find(|key| key.name == name);
    let open = exact.is_some_and(|kind| kind.open);
    let mut lines = lines(table, known, open, mask);
    let secrets = exact.into_iter().flat_map(|kind| kind.all_keys()).filter(|key| key.is_secret());
    for key in secrets.filter(|key| !table.contains_key(key.name)) {
        let shown = Shown::Mask("<not set>".to_owned());
        lines.push(Line { key: format!("_{}", key.name), shown, origin: Origin::Default.to_string() });
    }
    lines
}

fn lines(
    table: &Table,
    known: impl Fn(&str) -> Option<&'static Key>,
    open: bool,
    mask: &Mask<'_>,
) -> Vec<Line> {
    let line = |(name, setting): (&String, &Setting)| {
        let key = known(name);
        let secret = name.starts_with('_') || key.is_some_and(Key::is_secret);
        let shown = match key {
            _ if name.starts_with("__") => return None,
            _ if secret => Shown::Mask(mask.secret(setting)),
            None if open => mask.plain(setting)?,
            // A key that nobody knows may be a secret with a slip in its name.
            None => Shown::Mask("<unknown key>".to_owned()),
            Some(Key { shape: Shape::Free | Shape::Secrets, .. }) => {
                return Some(free(name, setting, key?, mask));
            }
            // What is of a wrong type could be anything.
            // A slip there is a token itself.
            Some(Key { shape: Shape::Input, .. }) if token_source(name, setting).is_none() => {
                Shown::Mask(format!("<wrong: {}>", setting.value.type_name()))
            }
            // A program's arguments may hold anything.
            Some(Key { shape: Shape::Input | Shape::KeySource, .. })
                if secret_reference(name, setting).is_some() =>
            {
                Shown::Mask(mask.secret(setting))
            }
            Some(key) if setting.table().is_some() && !holds_a_table(key) => {
                Shown::Mask("<wrong: a table>".to_owned())
            }
            Some(_) => mask.plain(setting)?,
        };
        let name = if secret { format!("_{}", name.trim_start_matches('_')) } else { name.clone() };
        Some(Line { key: escaped(&name), shown, origin: setting.origin.to_string() })
    };
    table.iter().filter_map(line).collect()
}

fn holds_a_table(key: &Key) -> bool {
    key.shape.merges() || matches!(key.shape, Shape::Scopes | Shape::Input | Shape::KeySource)
}

/// A free table, member by member.
fn free(name: &str, setting: &Setting, key: &Key, mask: &Mask<'_>) -> Line {
    let mut shown = serde_json::Map::new();
    for (member, value) in
        setting.table().into_iter().flatten().filter(|(member, _)| !member.starts_with("__"))
    {
        let secret = matches!(key.shape, Shape::Secrets) || member.starts_with('_');
        let value = if secret { Some(Shown::Mask(mask.secret(value))) } else { mask.plain(value) };
        if let Some(value) = value {
            shown.insert(escaped(member), value.json());
        }
    }
    Line { key: name.to_owned(), shown: Shown::Value(shown.into()), origin: setting.origin.to_string() }
}
