//! The grammar of a config file's top level.

use crate::config::provider_table::{Credential, parse_credentials};
use crate::config::store_table::{STORE_KEYS, StoreTable};
use crate::config::toml_document::Document;
use crate::name::ProviderName;
use crate::provider::Kind;
use crate::schema::{Key, Problem, Setting, Shape, Value, command};
use crate::text::untrusted::escaped;
use std::collections::BTreeMap;

/// The keys at the top of a configuration, beside `credentials` and `profile`.
pub const TOP_KEYS: &[&Key] = &[
    &Key::new("version", Shape::Text, "The version of the config format: 1"),
    &Key::new("default", Shape::Text, "The provider to use if a command names none"),
    &Key::new("store", Shape::Text, "Where to store tokens: \"auto\", \"keyring\", \"file\", or a table")
        .or("auto"),
    &Key::new("browser", Shape::Text, "The command that opens a URL").trusted(),
    &Key::new(
        "on_login_required",
        Shape::Command,
        "A program to run if a login is required but no one is at a terminal; {provider} is replaced by the provider's name",
    )
    .trusted(),
    &Key::new(
        "client_id_metadata",
        Shape::Text,
        "The https URL where you host the client ID metadata document that `authctl client-metadata` prints",
    ),
];

/// The providers and the default of a configuration, or of one profile of it.
#[derive(Debug, Clone, Default)]
pub struct Body {
    pub default: Option<Setting>,
    pub credentials: BTreeMap<ProviderName, Credential>,
}

/// A configuration text, read.
#[derive(Debug, Default)]
pub struct Parsed {
    pub selected_profile: Option<Setting>,
    /// What holds without a profile.
    pub base: Body,
    /// What each profile lays over that.
    pub profiles: BTreeMap<String, Body>,
    pub store: Option<StoreTable>,
    pub browser: Option<Setting>,
    pub client_id_metadata: Option<Setting>,
    pub on_login_required: Option<Setting>,
    /// What is wrong beside the providers.
    pub problems: Vec<Problem>,
    /// What is wrong with single providers that cannot be kept under a name.
    pub loose_problems: Vec<Problem>,
}

/// Reads a configuration text of the site or the user.
#[must_use]
pub fn parse_file(document: &Document) -> Parsed {
    let mut parsed = Parsed::default();
    for (name, setting) in &document.root {
        match name.as_str() {
            "credentials" => {
                let (problems, loose) = (&mut parsed.problems, &mut parsed.loose_problems);
                parsed.base.credentials = parse_credentials(setting, problems, loose);
            }
            "default" => parsed.base.default = Some(setting.clone()),
            "profile" => parse_profiles(setting, &mut parsed),
            "store" => {
                let (store, problems) = StoreTable::read(setting);
                parsed.problems.extend(problems);
                parsed.store = Some(store);
            }
            "browser" if setting.text().is_some() => parsed.browser = Some(setting.clone()),
            "browser" => {
                parsed.problems.push(Problem::new("`browser` must be a string: a command", &setting.origin))
            }
            "on_login_required" => match command(setting).is_some() {
                true => parsed.on_login_required = Some(setting.clone()),
                false => parsed.problems.push(Problem::new(
                    format!("`on_login_required` must be {}", Shape::Command.expectation()),
                    &setting.origin,
                )),
            },
            "client_id_metadata" => parsed.client_id_metadata = Some(setting.clone()),
            "version" => parsed.problems.extend(check_version(setting)),
            _ => {
                let known = TOP_KEYS.iter().map(|key| key.name).chain(["credentials", "profile"]);
                parsed.problems.push(crate::schema::unknown("", name, setting, known));
            }
        }
    }
    parsed
}

fn parse_profiles(setting: &Setting, parsed: &mut Parsed) {
    let profiles = match &setting.value {
        Value::Text(_) => return parsed.selected_profile = Some(setting.clone()),
        Value::Table(profiles) => profiles,
        other => {
            let message = format!(
                "`profile` must be a profile's name or a table of profiles, not {}",
                other.type_name()
            );
            return parsed.problems.push(Problem::new(message, &setting.origin));
        }
    };
    for (name, profile) in profiles {
        let path = format!("profile.{}", escaped(name));
        let Some(members) = profile.table() else {
            parsed.problems.push(Problem::new(
                format!("`{path}` must be a table, not {}", profile.value.type_name()),
                &profile.origin,
            ));
            continue;
        };
        let mut body = Body::default();
        for (key, member) in members {
            match key.as_str() {
                "credentials" => {
                    let (problems, loose) = (&mut parsed.problems, &mut parsed.loose_problems);
                    body.credentials = parse_credentials(member, problems, loose);
                }
                "default" => body.default = Some(member.clone()),
                _ => parsed.problems.push(crate::schema::unknown(
                    &path,
                    key,
                    member,
                    ["credentials", "default"].into_iter(),
                )),
            }
        }
        parsed.profiles.insert(name.clone(), body);
    }
}

fn check_version(setting: &Setting) -> Option<Problem> {
    match setting.value {
        Value::Integer(1) => None,
        Value::Integer(version) if version > 1 => {
            let message =
                format!("the configuration has version {version}, but this authctl only supports version 1");
            Some(Problem::new(message, &setting.origin).showing_value().hint("update authctl"))
        }
        _ => Some(Problem::new("`version` must be 1", &setting.origin).showing_value()),
    }
}

/// Whether a file contains a secret itself, not only where it comes from: then it matters who can read the file.
#[must_use]
pub fn holds_literal_secrets(parsed: &Parsed) -> bool {
    let bodies = std::iter::once(&parsed.base).chain(parsed.profiles.values());
    let kinds =
        bodies.flat_map(|body| body.credentials.values()).filter_map(|credential| credential.kind.as_ref());
    let mut in_kinds =
        kinds.map(|written| (&written.table, Kind::keys_of(&written.called).collect::<Vec<_>>()));
    let in_store = parsed.store.iter().any(|store| has_literal_secret(&store.setting, STORE_KEYS));
    in_store || in_kinds.any(|(table, keys)| has_literal_secret(table, &keys))
}

fn has_literal_secret(table: &Setting, keys: &[&Key]) -> bool {
    let members = |setting: &Setting| setting.table().cloned().unwrap_or_default();
    members(table).iter().any(|(name, setting)| {
        let known = keys.iter().find(|key| key.name == name);
        let is_secret = name.starts_with('_') || known.is_some_and(|key| key.is_secret());
        let all_are_secret = known.is_some_and(|key| matches!(key.shape, Shape::Secrets));
        is_secret && setting.text().is_some()
            || members(setting)
                .iter()
                .any(|(name, member)| (all_are_secret || name.starts_with('_')) && member.text().is_some())
    })
}
