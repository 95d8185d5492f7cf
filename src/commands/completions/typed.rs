//! The command line before the cursor.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::ArgMatches;

use crate::app::App;
use crate::app::args::ProviderRef;
use crate::config::provider_table::CREDENTIAL_KEYS;
use crate::config::{Config, LoadOptions, templates};
use crate::name::ProviderName;
use crate::ports::System;
use crate::provider::Kind;
use crate::schema::Key;

/// The parts of the command line before the cursor, and the configuration that they select.
pub(super) struct Typed {
    system: System,
    command_line: fn() -> clap::Command,
    pub(super) config: Config,
    options: LoadOptions,
    pub(super) is_curl: bool,
    pub(super) provider: Option<String>,
    template: Option<String>,
    kind: Option<String>,
}

impl Typed {
    pub(super) fn read(before: &[OsString], command_line: fn() -> clap::Command, system: &System) -> Self {
        let matches = command_line().ignore_errors(true).try_get_matches_from(before).ok();
        let value = |name| matches.as_ref().and_then(|matches| innermost(matches, name));
        let config = value("config").map(PathBuf::from);
        let options = LoadOptions { config, profile: value("profile"), only: None };
        let config = Config::load(system, &options);
        let template = value("template").or_else(|| value("name"));
        let is_curl = matches.as_ref().and_then(ArgMatches::subcommand_name) == Some("curl");
        let (provider, kind) = (value("provider"), value("kind"));
        let system = system.clone();
        Self { system, command_line, config, options, is_curl, provider, template, kind }
    }

    /// Returns the named provider, or else the default.
    pub(super) fn provider(&self) -> Option<ProviderName> {
        let named = self.provider.as_ref().map(|text| text.parse::<ProviderRef>()).transpose().ok()?;
        match named {
            Some(ProviderRef::Url(url)) => self.config.choose_by_url(url.url()).ok(),
            Some(ProviderRef::Name(name)) => self.config.choose(Some(&name)).ok(),
            None => self.config.choose(None).ok(),
        }
    }

    /// Returns the kind from the option, the template or the provider.
    pub(super) fn kind(&self) -> String {
        let of_template = || templates::find(self.template.as_ref()?)?.kind();
        let of_provider = || {
            let name = self.provider.as_ref()?.parse::<ProviderName>().ok()?;
            Some(self.config.credentials.get(&name)?.kind.as_ref()?.called.clone())
        };
        self.kind.clone().or_else(of_template).or_else(of_provider).unwrap_or_else(|| "oauth".to_owned())
    }

    /// Returns the keys that a provider of this kind accepts.
    pub(super) fn keys(&self) -> Vec<&'static Key> {
        let kind = self.kind();
        let mut keys: Vec<&Key> = CREDENTIAL_KEYS.iter().copied().chain(Kind::keys_of(&kind)).collect();
        keys.sort_by_key(|key| key.name);
        keys.dedup_by_key(|key| key.name);
        keys
    }

    /// Runs a query with the context of a command.
    pub(super) fn with_app<T>(&self, ask: impl FnOnce(&App<'_>) -> Option<T>) -> Option<T> {
        let (system, config, options) = (&self.system, &self.config, &self.options);
        ask(&App { system, config, options, json: false, verbose: false, command_line: self.command_line })
    }
}

/// Returns the first value of an argument as typed, from the innermost subcommand.
fn innermost(matches: &ArgMatches, name: &str) -> Option<String> {
    let inner = matches.subcommand().and_then(|(_, matches)| innermost(matches, name));
    let own = || matches.try_get_raw(name).ok()??.next()?.to_str().map(str::to_owned);
    inner.or_else(own)
}
