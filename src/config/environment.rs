//! The environment layer: variables such as `AUTHCTL_CREDENTIALS__GITHUB__OAUTH__CLIENT_ID`.

use super::merge;
use super::merged::Config;
use super::store_table::{StoreTable, is_common_key};
use super::templates::apply_template;
use crate::config::provider_table::{CREDENTIAL_KEYS, Credential, is_credential_key, parse_credentials};
use crate::name::ProviderName;
use crate::ports::System;
use crate::provider::{KINDS, Kind};
use crate::schema::{Key, Origin, Problem, Setting, Shape, Table, Value};

/// What the variables of credentials begin with.
const PREFIX: &str = "AUTHCTL_CREDENTIALS__";

/// Applies the environment's variables to what the files say.
pub fn apply(config: &mut Config, system: &System) {
    if let Some(default) = system.environment.variable("AUTHCTL_DEFAULT").filter(|value| !value.is_empty()) {
        config.default = Some(text("AUTHCTL_DEFAULT", default));
    }
    if let Some(store) = system.environment.variable("AUTHCTL_STORE").filter(|value| !value.is_empty()) {
        apply_store(config, text("AUTHCTL_STORE", store));
    }
    let root = credential_variables(config, system);
    if root.is_empty() {
        return;
    }
    let setting = Setting::new(Value::Table(root), Origin::Variable(format!("{PREFIX}…")));
    let mut loose = Vec::new();
    let parsed = parse_credentials(&setting, &mut config.problems, &mut loose);
    config.loose_problems.extend(loose);
    for (name, credential) in parsed {
        apply_credential(config, name, credential);
    }
}

fn apply_store(config: &mut Config, setting: Setting) {
    if !matches!(setting.text(), Some("auto" | "keyring" | "file")) {
        // Another store needs an address and a key, which only a file may name.
        let problem = Problem::new("AUTHCTL_STORE must be `auto`, `keyring` or `file`", &setting.origin);
        return config.problems.push(problem.hint("to use etcd or Vault, write [store] in your config file"));
    }
    // What the files say of keys and caches holds for every store; what they say of another one does not.
    let written = config.store.as_ref().and_then(|store| store.setting.table()).cloned().unwrap_or_default();
    let mut table: Table = written.into_iter().filter(|(name, _)| is_common_key(name)).collect();
    let origin = setting.origin.clone();
    table.insert("kind".to_owned(), setting);
    // What is wrong with the files' keys is known already.
    config.store = Some(StoreTable::read(&Setting::new(Value::Table(table), origin)).0);
}

/// The `[credentials]` table that the variables make together.
fn credential_variables(config: &mut Config, system: &System) -> Table {
    let mut root = Table::new();
    let mut variables = system.environment.variables();
    variables.sort();
    for (variable, value) in variables {
        let Some(rest) = variable.strip_prefix(PREFIX) else { continue };
        let path: Vec<String> = rest.split("__").map(|part| part.to_ascii_lowercase()).collect();
        if path.iter().any(String::is_empty) {
            let message = format!("{variable} has an empty part in its name");
            config.problems.push(Problem::new(message, &Origin::Variable(variable)));
            continue;
        }
        let path = with_provider_name(config, path);
        insert(&mut root, &path, &variable, value);
    }
    root
}

fn apply_credential(config: &mut Config, name: ProviderName, mut credential: Credential) {
    let mut problems = match config.credentials.get(&name) {
        Some(defined) => {
            // An override does not make the environment the one that defines the provider.
            credential.origin = Origin::Default;
            let problems = beyond_override(&name, defined, &credential);
            if let (Some(kind), Some(of_file)) = (&mut credential.kind, &defined.kind) {
                kind.table.origin = of_file.table.origin.clone();
            }
            problems
        }
        None => {
            // What a template adds counts as well.
            apply_template(&mut credential);
            forbidden_kind(&credential)
        }
    };
    problems.extend(credential.kind.as_ref().map(|kind| references(&kind.table)).into_iter().flatten());
    let target = config.credentials.entry(name).or_default();
    if problems.is_empty() {
        merge::lay_over(target, credential);
    } else {
        target.problems.extend(problems);
    }
}

/// The first part of a name as the provider that it folds to; one that no file defines is written with `-`.
fn with_provider_name(config: &Config, mut path: Vec<String>) -> Vec<String> {
    if let Some(first) = path.first_mut()
        && !is_credential_key(first)
    {
        let folded = first.to_ascii_uppercase();
        let known = config.credentials.keys().find(|name| name.folded() == folded);
        *first = known.map_or_else(|| first.replace('_', "-"), ProviderName::to_string);
    }
    path
}

fn insert(table: &mut Table, path: &[String], variable: &str, value: String) {
    let [first, rest @ ..] = path else { return };
    if rest.is_empty() {
        table.insert(first.clone(), Setting::new(typed(path, value), Origin::Variable(variable.to_owned())));
        return;
    }
    let fresh = || Setting::new(Value::Table(Table::new()), Origin::Variable(variable.to_owned()));
    let entry = table.entry(first.clone()).or_insert_with(fresh);
    if !matches!(entry.value, Value::Table(_)) {
        *entry = fresh();
    }
    if let Value::Table(inner) = &mut entry.value {
        insert(inner, rest, variable, value);
    }
}

/// A value as its key wants it: `true` and `false` for flags, text for all else.
fn typed(path: &[String], value: String) -> Value {
    let name = path.last().map_or("", String::as_str);
    let keys = KINDS.iter().flat_map(|kind| kind.all_keys()).chain(CREDENTIAL_KEYS.iter().copied());
    let is_flag = keys.into_iter().any(|key| key.name == name && matches!(key.shape, Shape::Boolean));
    match value.as_str() {
        "true" if is_flag => Value::Boolean(true),
        "false" if is_flag => Value::Boolean(false),
        _ => Value::Text(value),
    }
}

/// For a provider that a file defines, only the keys that are marked so, and never another kind.
fn beyond_override(name: &ProviderName, defined: &Credential, credential: &Credential) -> Vec<Problem> {
    let mut problems = credential.problems.clone();
    let refused = |key: &str, setting: &Setting| {
        let problem = Problem::new(
            format!("the environment cannot set `{key}` of `{name}`, which a file defines"),
            &setting.origin,
        );
        problem.hint("it may set client_id, username, scopes, audience, resource and secrets")
    };
    problems.extend(credential.keys.iter().map(|(key, setting)| refused(key, setting)));
    if let Some(kind) = &credential.kind {
        if defined.kind.as_ref().is_none_or(|defined| defined.canonical() != kind.canonical()) {
            let message =
                format!("the environment cannot make `{name}` a provider of the kind `{}`", kind.called);
            problems.push(Problem::new(message, &kind.table.origin));
        }
        for (key, setting) in kind.table.table().into_iter().flatten() {
            let allowed =
                Kind::keys_of(&kind.called).any(|known| known.name == key && known.from_environment);
            if !allowed {
                problems.push(refused(key, setting));
            }
        }
    }
    problems
}

/// The environment gives secrets as they are: a reference could send any file's content to a server.
fn references(setting: &Setting) -> Vec<Problem> {
    let members = setting.table().into_iter().flatten();
    members
        .flat_map(|(name, member)| {
            let is_secret =
                |key: &&Key| key.name == name && (key.is_secret() || matches!(key.shape, Shape::Secrets));
            let secret = name.starts_with('_')
                || KINDS.iter().flat_map(|kind| kind.all_keys()).any(|key| is_secret(&key));
            match &member.value {
                Value::Table(_) if secret && matches!(member.origin, Origin::Variable(_)) => {
                    let message = format!("the environment can set `{name}` only to the secret itself");
                    vec![Problem::new(message, &member.origin)]
                }
                Value::Table(_) => references(member),
                _ => Vec::new(),
            }
        })
        .collect()
}

/// A provider that the environment defines itself may not run programs (F-BIND3).
fn forbidden_kind(credential: &Credential) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(kind) = &credential.kind
        && Kind::named(&kind.called).any(|known| known.runs_program)
    {
        let message = format!(
            "the environment cannot define a provider of the kind `{}`: it runs a program",
            kind.called
        );
        problems.push(Problem::new(message, &kind.table.origin));
    }
    problems
}

fn text(variable: &str, value: String) -> Setting {
    Setting::new(Value::Text(value), Origin::Variable(variable.to_owned()))
}
