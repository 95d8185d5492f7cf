//! The JSON Schema of the configuration, made from the same lists of keys that check it.

use serde_json::{Map, Value, json};

use crate::config::provider_table::CREDENTIAL_KEYS;
use crate::config::store_table::{STORE_KEYS, STORE_KINDS};
use crate::config::templates;
use crate::provider::KINDS;
use crate::schema::{Key, Shape};

/// The schema (JSON Schema 2020-12).
#[must_use]
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "authctl configuration",
        "description": "The providers of tokens, each in its own table [credentials.NAME]",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "version": { "title": "version", "description": "The version of the config format", "const": 1 },
            "default": { "title": "default", "description": "The provider to use if a command names none", "type": "string" },
            "store": {
                "title": "store",
                "description": "Where to store tokens",
                "oneOf": [{ "enum": STORE_KINDS }, object(STORE_KEYS.iter().copied())],
            },
            "browser": { "title": "browser", "description": "The command that opens a URL", "type": "string" },
            "on_login_required": { "title": "on_login_required", "description": "A program to run if a login is required but no one is at a terminal; {provider} is replaced by the provider's name", "type": "array", "items": { "type": "string" }, "minItems": 1 },
            "client_id_metadata": { "title": "client_id_metadata", "description": "The https URL where you host the client ID metadata document that `authctl client-metadata` prints", "type": "string", "pattern": "^https://" },
            "credentials": { "$ref": "#/$defs/credentials" },
            "profile": {
                "title": "profile",
                "description": "Variants of the configuration, selected with --profile; or the name of the variant to use",
                "oneOf": [
                    { "type": "string" },
                    {
                        "type": "object",
                        "additionalProperties": {
                            "type": "object",
                            "additionalProperties": false,
                            "properties": {
                                "default": { "type": "string" },
                                "credentials": { "$ref": "#/$defs/credentials" },
                            },
                        },
                    },
                ],
            },
        },
        "$defs": {
            "credentials": {
                "title": "credentials",
                "description": "Providers by their names, or one provider itself",
                "anyOf": [
                    { "$ref": "#/$defs/credential" },
                    {
                        "type": "object",
                        "propertyNames": { "pattern": "^[a-z0-9][a-z0-9-]{0,63}$" },
                        "additionalProperties": { "$ref": "#/$defs/credential" },
                    },
                ],
            },
            "credential": credential(),
            "secret": secret(),
        },
    })
}

fn credential() -> Value {
    let mut schema = object(CREDENTIAL_KEYS.iter().copied());
    if let Some(properties) = schema["properties"].as_object_mut() {
        if let Some(template) = properties.get_mut("template") {
            template["enum"] = templates::names().collect();
        }
        for kind in KINDS {
            for name in [Some(kind.name), kind.alias].into_iter().flatten() {
                let mut table = object(kind.all_keys());
                if kind.open {
                    table["additionalProperties"] = true.into();
                }
                if !kind.grants.is_empty() {
                    let names = if kind.has_grant("x:") {
                        json!({ "type": "string", "pattern": ":" })
                    } else {
                        json!({ "enum": kind.grants })
                    };
                    table["properties"]["grant_type"] = described("grant_type", "The OAuth grant", names);
                }
                let mut forms = vec![table, json!({ "const": "" })];
                if let Some(key) =
                    kind.shorthand.and_then(|name| kind.all_keys().find(|key| key.name == name))
                {
                    forms.push(shape(key.shape));
                }
                let this = json!({ "title": name, "description": kind.about, "anyOf": forms });
                match properties.get_mut(name).and_then(|kind| kind["anyOf"].as_array_mut()) {
                    // Another grant of the same kind: one of them fits.
                    Some(forms) => forms.push(this),
                    None => drop(properties.insert(name.to_owned(), this)),
                }
            }
        }
    }
    // A template or another layer may give the domain.
    schema.as_object_mut().map(|schema| schema.remove("required"));
    schema
}

fn object<'a>(keys: impl Iterator<Item = &'a Key>) -> Value {
    let mut properties = Map::new();
    for key in keys {
        let mut schema = described(key.name, key.about, shape(key.shape));
        if let Some(default) = key.default {
            schema["default"] = default.into();
        }
        if key.is_secret() {
            properties.insert(format!("_{}", key.name), schema.clone());
        }
        properties.insert(key.name.to_owned(), schema);
    }
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn described(title: &str, about: &str, mut schema: Value) -> Value {
    schema["title"] = title.into();
    schema["description"] = about.into();
    schema
}

fn shape(shape: Shape) -> Value {
    let strings = || json!({ "type": "array", "items": { "type": "string" } });
    match shape {
        Shape::Text => json!({ "type": "string" }),
        Shape::Choice(choices) => json!({ "enum": choices }),
        Shape::Secret => json!({ "$ref": "#/$defs/secret" }),
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Strings => json!({ "anyOf": [{ "type": "string" }, strings()] }),
        Shape::Scopes => {
            let words = json!({ "anyOf": [{ "type": "string" }, strings()] });
            json!({ "anyOf": [{ "type": "string" }, strings(), { "type": "object", "additionalProperties": words }] })
        }
        Shape::Input => input(),
        Shape::KeySource => json!({ "anyOf": [
            { "enum": ["file", "passphrase"] },
            { "type": "object", "additionalProperties": false, "required": ["command"], "properties": { "command": { "description": "A program that prints 32 bytes in base64", "type": "array", "items": { "type": "string" }, "minItems": 1 } } },
        ] }),
        Shape::Duration => {
            json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string", "pattern": "^[0-9]+ *(ms|s|m|h|d)$" }] })
        }
        Shape::Command => json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 }),
        Shape::Free => json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/secret" } }),
        Shape::Secrets => json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/secret" } }),
        Shape::Flags(names) => {
            let flags: Map<String, Value> =
                names.iter().map(|&name| (name.to_owned(), json!({ "type": "boolean" }))).collect();
            json!({ "type": "object", "additionalProperties": false, "properties": flags })
        }
        Shape::Table(keys) => object(keys.iter().copied()),
    }
}

/// A subject token.
fn input() -> Value {
    let text = |about: &str| json!({ "type": "string", "description": about });
    let form = |required: &str, properties: Value| json!({ "type": "object", "additionalProperties": false, "required": [required], "properties": properties });
    json!({ "anyOf": [
        form("provider", json!({
            "provider": text("Another provider in this configuration"),
            "token": { "description": "Which of the provider's tokens to use", "enum": ["access_token", "id_token", "refresh_token"], "default": "access_token" },
            "account": text("The provider's account, if several are logged in"),
        })),
        form("env", json!({ "env": text("An environment variable") })),
        form("file", json!({ "file": text("A file, read again for each use") })),
        form("command", json!({ "command": { "description": "A program that prints the token", "type": "array", "items": { "type": "string" }, "minItems": 1 } })),
        form("stdin", json!({ "stdin": { "description": "Read the token from standard input", "const": true } })),
    ] })
}

/// A literal or a reference.
fn secret() -> Value {
    let reference = |name: &str, value: Value| json!({ "type": "object", "additionalProperties": false, "required": [name], "properties": { name: value } });
    json!({
        "title": "secret",
        "description": "The secret, or a reference to it",
        "anyOf": [
            { "type": "string" },
            reference("env", json!({ "type": "string", "description": "An environment variable" })),
            reference("file", json!({ "type": "string", "description": "A file; a relative path starts at the config file's folder" })),
            reference("command", json!({ "type": "array", "items": { "type": "string" }, "minItems": 1, "description": "A program that prints the secret" })),
            reference("stored", json!({ "const": true, "description": "The secret that `authctl secret set` put in the token store" })),
        ],
    })
}
