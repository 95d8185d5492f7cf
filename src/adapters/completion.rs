//! Completions: what only the configuration and the index of the store know. Nothing here asks the network or a keyring, and
//! whatever is wrong, nothing is said: somebody is typing.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ArgMatches;
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, ValueCompleter};

use crate::app::App;
use crate::app::args::ProviderRef;
use crate::app::stored_secrets;
use crate::cli::command;
use crate::commands::completions::SHELLS;
use crate::config::LoadOptions;
use crate::config::provider_table::CREDENTIAL_KEYS;
use crate::config::{Config, edit, templates};
use crate::format::FORMATS;
use crate::name::ProviderName;
use crate::ports::System;
use crate::provider::{KINDS, Kind};
use crate::schema::{Key, Shape};
use crate::text::untrusted::escaped;

/// Whether a shell asks for completions, which are printed then.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the machine")]
pub fn answered() -> bool {
    let shell = std::env::var_os("COMPLETE").unwrap_or_default();
    let name = Path::new(&shell).file_stem().map(OsStr::to_string_lossy).unwrap_or_default();
    if SHELLS.completer(&name).is_none() {
        return false;
    }
    // As the shells' scripts call: `authctl -- WORDS…`, the last or the one at the index unfinished.
    let words: Vec<OsString> = std::env::args_os().skip_while(|word| word != "--").skip(1).collect();
    let index = std::env::var_os("_CLAP_COMPLETE_INDEX").and_then(|index| index.to_str()?.parse().ok());
    let before: Vec<OsString> =
        words.iter().take(index.unwrap_or(words.len().saturating_sub(1))).cloned().collect();
    let factory = || attach(command(), &Arc::from(before.as_slice()));
    let folder = std::env::current_dir().ok();
    let _ = CompleteEnv::with_factory(factory)
        .shells(SHELLS)
        .bin("authctl")
        .completer("authctl")
        .try_complete(std::env::args_os(), folder.as_deref());
    true
}

/// The values of an argument, from what stands before it and what is written of it.
type Values = fn(&Typed, &str) -> Option<Vec<CompletionCandidate>>;

/// Which arguments have values that only we know, by the names that they have in all commands.
const COMPLETED: &[(&str, Values)] = &[
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

/// The command line with these completions, for what stands before the cursor.
fn attach(command: clap::Command, before: &Arc<[OsString]>) -> clap::Command {
    let command = command.mut_args(|argument| {
        let known = COMPLETED.iter().find(|(name, _)| argument.get_id() == name);
        match known {
            Some(&(_, values)) => {
                argument.add(ArgValueCompleter::new(Completer { before: Arc::clone(before), values }))
            }
            None => argument,
        }
    });
    let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    names
        .into_iter()
        .fold(command, |command, name| command.mut_subcommand(name, |command| attach(command, before)))
}

struct Completer {
    before: Arc<[OsString]>,
    values: Values,
}

impl ValueCompleter for Completer {
    fn complete(&self, written: &OsStr) -> Vec<CompletionCandidate> {
        let Some(written) = written.to_str() else { return Vec::new() };
        let mut values = (self.values)(&Typed::read(&self.before), written).unwrap_or_default();
        values.retain(|value| value.get_value().to_str().is_some_and(|value| fits(value, written)));
        values
    }
}

/// Whether a value begins so and is one word in every shell: the names of accounts come from servers.
fn fits(value: &str, written: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "@._+-:/%,=".contains(c);
    value.starts_with(written) && value.chars().all(plain)
}

/// What stands on the command line before the cursor, and the configuration that it means.
struct Typed {
    system: System,
    config: Config,
    options: LoadOptions,
    is_curl: bool,
    provider: Option<String>,
    template: Option<String>,
    kind: Option<String>,
}

impl Typed {
    fn read(before: &[OsString]) -> Self {
        let matches = command().ignore_errors(true).try_get_matches_from(before).ok();
        let value = |name| matches.as_ref().and_then(|matches| innermost(matches, name));
        let config = value("config").map(PathBuf::from);
        let options = LoadOptions { config, profile: value("profile"), only: None };
        let system = super::system();
        let config = Config::load(&system, &options);
        let template = value("template").or_else(|| value("name"));
        let is_curl = matches.as_ref().and_then(ArgMatches::subcommand_name) == Some("curl");
        let (provider, kind) = (value("provider"), value("kind"));
        Self { system, config, options, is_curl, provider, template, kind }
    }

    /// The provider that is named, else the default.
    fn provider(&self) -> Option<ProviderName> {
        let named = self.provider.as_ref().map(|text| text.parse::<ProviderRef>()).transpose().ok()?;
        match named {
            Some(ProviderRef::Url(url)) => self.config.choose_by_url(url.url()).ok(),
            Some(ProviderRef::Name(name)) => self.config.choose(Some(&name)).ok(),
            None => self.config.choose(None).ok(),
        }
    }

    /// The kind that is named or chosen otherwise.
    fn kind(&self) -> String {
        let of_template = || templates::find(self.template.as_ref()?)?.kind();
        let of_provider = || {
            let name = self.provider.as_ref()?.parse::<ProviderName>().ok()?;
            Some(self.config.credentials.get(&name)?.kind.as_ref()?.called.clone())
        };
        self.kind.clone().or_else(of_template).or_else(of_provider).unwrap_or_else(|| "oauth".to_owned())
    }

    /// The keys that a provider of the kind may have.
    fn keys(&self) -> Vec<&'static Key> {
        let kind = self.kind();
        let mut keys: Vec<&Key> = CREDENTIAL_KEYS.iter().copied().chain(Kind::keys_of(&kind)).collect();
        keys.sort_by_key(|key| key.name);
        keys.dedup_by_key(|key| key.name);
        keys
    }
}

/// The first value of an argument, as it was written.
fn innermost(matches: &ArgMatches, name: &str) -> Option<String> {
    let inner = matches.subcommand().and_then(|(_, matches)| innermost(matches, name));
    let own = || matches.try_get_raw(name).ok()??.next()?.to_str().map(str::to_owned);
    inner.or_else(own)
}

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

/// `NAME=PROVIDER`, and the forms behind that.
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
    let index = typed.invoked(|app| {
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

/// `KEY=`, and the values where there is a list of them. No secret is given as an argument.
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

/// The secrets of a kind.
fn secrets(typed: &Typed, _: &str) -> Option<Vec<CompletionCandidate>> {
    let keys = typed.keys().into_iter().filter(|key| key.is_secret());
    Some(keys.map(|key| candidate(key.name, key.about)).collect())
}

/// The secrets of a configured provider, those of its headers and parameters among them.
fn stored_secrets(typed: &Typed, _: &str) -> Option<Vec<CompletionCandidate>> {
    let provider = typed.config.provider(&typed.provider()?).ok()?;
    let about =
        |name: &str| provider.kind.all_keys().find(|key| key.name == name).map_or("", |key| key.about);
    let names = typed.invoked(|app| Some(stored_secrets::keys(app, &provider)))?;
    Some(names.iter().map(|name| candidate(name, about(name))).collect())
}

impl Typed {
    /// Asks something as a command would.
    fn invoked<T>(&self, ask: impl FnOnce(&App<'_>) -> Option<T>) -> Option<T> {
        let (system, config, options) = (&self.system, &self.config, &self.options);
        ask(&App { system, config, options, json: false, verbose: false, command_line: command })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::ValueHint;

    use super::*;

    /// Arguments whose values nobody can know before they are written.
    const FREE: &[&str] = &[
        "action",
        "arguments",
        "audience",
        "browser",
        "capability",
        "challenge",
        "client_id",
        "command",
        "connection",
        "dpop_nonce",
        "from",
        "gce_project",
        "host",
        "listen",
        "method",
        "min_ttl",
        "old_command",
        "operation",
        "resource",
        "role",
        "scope",
        "service",
        "timeout",
        "to",
        "url",
        "username",
    ];

    #[test]
    fn every_argument_is_completed_or_free() {
        fn collect(command: &clap::Command, found: &mut BTreeSet<String>) {
            for argument in command.get_arguments() {
                let takes = argument.get_num_args().is_none_or(|count| count.takes_values());
                let known = argument.get::<ArgValueCompleter>().is_some()
                    || !argument.get_possible_values().is_empty()
                    || argument.get_value_hint() != ValueHint::Unknown;
                if takes && !known {
                    found.insert(argument.get_id().to_string());
                }
            }
            command.get_subcommands().for_each(|inner| collect(inner, found));
        }
        let mut command = attach(command(), &Arc::from([]));
        command.build();
        let mut found = BTreeSet::new();
        collect(&command, &mut found);
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), FREE);
    }

    #[test]
    fn what_a_shell_would_take_apart_is_not_offered() {
        for (value, want) in [
            ("me@example.com", true),
            ("me", true),
            ("m$(id)", false),
            ("m`id`", false),
            ("m e", false),
            ("m;id", false),
            ("you", false),
        ] {
            assert_eq!(fits(value, "m"), want, "{value}");
        }
    }
}
