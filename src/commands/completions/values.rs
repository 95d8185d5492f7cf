//! The values that complete an argument.

use std::ffi::OsString;

use clap_complete::engine::CompletionCandidate;

use crate::app::stored_secrets;
use crate::commands::completions::typed::Typed;
use crate::config::{edit, templates};
use crate::format::FORMATS;
use crate::provider::KINDS;
use crate::schema::Shape;
use crate::text::untrusted::escaped;

/// Returns an argument's values, given the command line before it and its beginning.
pub(super) type Values = fn(&Typed, &str) -> Option<Vec<CompletionCandidate>>;

/// The arguments that authctl completes, by their clap ids.
pub(super) const COMPLETED: &[(&str, Values)] = &[
    ("provider", providers),
    ("providers", providers),
    ("gce", providers),
    ("proxy", providers),
    ("env", assigned_providers),
    ("file", assigned_providers),
    ("account", accounts),
    ("profile", profiles),
    ("template", templates),
    ("name", templates),
    ("set", assignments),
    ("unset", keys),
    ("key", stored_secrets),
    ("secret_key", secrets),
];

fn candidate(value: impl Into<OsString>, help: &str) -> CompletionCandidate {
    let candidate = CompletionCandidate::new(value);
    if help.is_empty() { candidate } else { candidate.help(Some(escaped(help).into())) }
}

fn providers(typed: &Typed, _: &str) -> Option<Vec<CompletionCandidate>> {
    // What follows the provider in `authctl curl` is curl's.
    if typed.is_curl && typed.provider.is_some() {
        return None;
    }
    Some(typed.config.credentials.keys().map(|name| candidate(name.as_str(), "")).collect())
}

/// Completes the provider, and then the form, in `NAME=PROVIDER:FORM`.
fn assigned_providers(typed: &Typed, written: &str) -> Option<Vec<CompletionCandidate>> {
    let (variable, value) = written.split_once('=')?;
    if let Some((provider, _)) = value.split_once(':') {
        let forms = FORMATS.iter().map(|format| (format.name, format.about)).chain([("id-token", "")]);
        return Some(
            forms.map(|(form, about)| candidate(format!("{variable}={provider}:{form}"), about)).collect(),
        );
    }
    Some(typed.config.credentials.keys().map(|name| candidate(format!("{variable}={name}"), "")).collect())
}

fn accounts(typed: &Typed, _: &str) -> Option<Vec<CompletionCandidate>> {
    let index = typed.with_app(|app| {
        let provider = typed.provider()?;
        app.session(&provider).store.index(&provider).ok()
    })?;
    let mut found: Vec<(&str, &str)> = index
        .entries
        .iter()
        .map(|entry| (entry.account.as_str(), entry.label.as_deref().unwrap_or_default()))
        .collect();
    found.sort_unstable();
    found.dedup_by_key(|(account, _)| *account);
    Some(found.into_iter().map(|(account, label)| candidate(account, label)).collect())
}

fn profiles(typed: &Typed, _: &str) -> Option<Vec<CompletionCandidate>> {
    Some(typed.config.profiles.iter().map(|name| candidate(name, "")).collect())
}

fn templates(_: &Typed, written: &str) -> Option<Vec<CompletionCandidate>> {
    let fitting = templates::names().filter(|name| name.starts_with(written)).filter_map(templates::find);
    Some(fitting.map(|template| candidate(template.name, &template.title)).collect())
}

/// Completes `KEY=`, and its value if there is a fixed list. It leaves out secrets, which must not be arguments.
fn assignments(typed: &Typed, written: &str) -> Option<Vec<CompletionCandidate>> {
    if let Some((name, _)) = written.split_once('=') {
        let (_, key) = edit::find_key(name, &typed.kind()).ok()?;
        let choices = match key.shape {
            _ if key.name == "grant_type" => KINDS.iter().filter_map(|kind| kind.grant()).collect(),
            Shape::Choice(choices) => choices.to_vec(),
            Shape::Boolean => vec!["true", "false"],
            _ => return None,
        };
        return Some(choices.iter().map(|choice| candidate(format!("{name}={choice}"), "")).collect());
    }
    let keys = typed.keys().into_iter().filter(|key| !key.is_secret());
    Some(keys.map(|key| candidate(format!("{}=", key.name), key.about)).collect())
}

fn keys(typed: &Typed, _: &str) -> Option<Vec<CompletionCandidate>> {
    Some(typed.keys().iter().map(|key| candidate(key.name, key.about)).collect())
}

fn secrets(typed: &Typed, _: &str) -> Option<Vec<CompletionCandidate>> {
    let keys = typed.keys().into_iter().filter(|key| key.is_secret());
    Some(keys.map(|key| candidate(key.name, key.about)).collect())
}

/// Completes a configured provider's secrets, including those in its headers and parameters.
fn stored_secrets(typed: &Typed, _: &str) -> Option<Vec<CompletionCandidate>> {
    let provider = typed.config.provider(&typed.provider()?).ok()?;
    let about =
        |name: &str| provider.kind.all_keys().find(|key| key.name == name).map_or("", |key| key.about);
    let names = typed.with_app(|app| Some(stored_secrets::keys(app, &provider)))?;
    Some(names.iter().map(|name| candidate(name, about(name))).collect())
}
