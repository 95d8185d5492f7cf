//! `docs/configuration.md`, generated from the lists of keys that check a configuration.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use authctl::config::NARROWED;
use authctl::config::STORE_KEYS;
use authctl::config::helper;
use authctl::config::json_schema::schema;
use authctl::config::provider_table::CREDENTIAL_KEYS;
use authctl::provider::{KINDS, Kind};
use authctl::schema::{Key, Shape};

/// The text before the first table.
const INTRODUCTION: &str = include_str!("configuration-introduction.md");

/// The page.
pub fn page() -> String {
    let mut text = INTRODUCTION.to_owned();
    text.push_str("\n## Top level\n\n| key | meaning |\n|---|---|\n");
    let schema = schema();
    for (name, of) in schema["properties"].as_object().unwrap() {
        let about =
            of["description"].as_str().unwrap_or("The providers: one table per provider, by its name");
        let _ = writeln!(text, "| `{name}` | {} |", cell(about));
    }
    let _ =
        writeln!(text, "\n## `[store]`\n\n`store = \"KIND\"` is short for a table with only that `kind`.\n");
    table(&mut text, "", STORE_KEYS);
    text.push_str(
        "\n## `[credentials.NAME]`\n\nA provider has these keys and exactly one kind, such as `oauth`.\n\n",
    );
    table(&mut text, "", CREDENTIAL_KEYS);
    text.push_str("\n## `[credentials.NAME.helper]`\n\n");
    table(&mut text, "", helper::KEYS);
    text.push_str("\n## `[credentials.NAME.oauth]`\n\n| `grant_type` | meaning |\n|---|---|\n");
    let grants: Vec<&Kind> = KINDS.iter().copied().filter(|kind| !kind.grants.is_empty()).collect();
    for kind in &grants {
        let names: Vec<String> = kind.grants.iter().map(|grant| format!("`{grant}`")).collect();
        let _ = writeln!(text, "| {} | {} |", names.join(", "), cell(kind.about));
    }
    let names = |kind: &Kind| kind.all_keys().map(|key| key.name).collect::<BTreeSet<_>>();
    let common: BTreeSet<&str> =
        grants.iter().map(|kind| names(kind)).reduce(|all, these| &all & &these).unwrap_or_default();
    text.push_str("\nKeys for every grant:\n\n");
    let shared: Vec<&Key> = grants[0].all_keys().filter(|key| common.contains(key.name)).collect();
    table(&mut text, "oauth.", &shared);
    let own = |kind: &Kind| kind.all_keys().filter(|key| !common.contains(key.name)).collect::<Vec<&Key>>();
    for (at, kind) in grants.iter().enumerate() {
        let is_same = |other: &&&Kind| names(other) == names(kind);
        if own(kind).is_empty() || grants[..at].iter().any(|other| is_same(&other)) {
            continue;
        }
        let same = grants.iter().filter(is_same).map(|kind| format!("`grant_type = \"{}\"`", kind.grants[0]));
        let _ = writeln!(text, "\nAdditional keys for {}:\n", same.collect::<Vec<_>>().join(" and "));
        table(&mut text, "oauth.", &own(kind));
    }
    for kind in KINDS.iter().filter(|kind| kind.grants.is_empty()) {
        let _ = writeln!(text, "\n## `[credentials.NAME.{}]`\n\n{}.", kind.name, kind.about);
        if let Some(alias) = kind.alias {
            let _ = writeln!(text, "`{alias}` is another name for this kind.");
        }
        if let Some(key) = kind.shorthand {
            let _ = writeln!(text, "`{} = …` is short for `{0}.{key} = …`.", kind.name);
        }
        if kind.open {
            text.push_str("authctl passes every other key on to the program.\n");
        }
        if kind.runs_program {
            text.push_str("It runs a program, so only the machine's file and your own can contain it.\n");
        }
        text.push('\n');
        table(&mut text, "", &kind.all_keys().collect::<Vec<_>>());
    }
    text
}

fn table(text: &mut String, of: &str, keys: &[&Key]) {
    text.push_str("| key | type | default | meaning | also set by |\n|---|---|---|---|---|\n");
    for key in keys {
        let default = match key.default {
            Some(default) => format!("`{default}`"),
            None if key.required => "required".to_owned(),
            None => String::new(),
        };
        let mut layers = Vec::new();
        if key.trusted {
            layers.push("files only");
        }
        if key.from_environment {
            layers.push("environment");
        }
        if of == "oauth." && NARROWED.contains(&key.name) {
            layers.push("project");
        }
        let about = cell(key.about);
        let _ = writeln!(
            text,
            "| `{}` | {} | {default} | {about} | {} |",
            key.name,
            cell(&kind(key)),
            layers.join(", ")
        );
    }
    // The members of tables.
    for key in keys {
        if let Shape::Table(members) = key.shape
            && key.name != "helper"
        {
            let _ = writeln!(text, "\nKeys in `{}`:\n", key.name);
            table(text, of, members);
        }
    }
}

fn kind(key: &Key) -> String {
    match key.shape {
        Shape::Secret => "secret".to_owned(),
        Shape::Table(_) => "table".to_owned(),
        shape => shape.expectation(),
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
