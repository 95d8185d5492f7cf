//! Provider definitions for the store, which sends a secret only to hosts that it was stored for or that the user's own
//! files name.

use std::path::PathBuf;

use crate::config::reach::{Consumer, Part};
use crate::config::{Config, LoadOptions, discovered};
use crate::name::ProviderName;
use crate::ports::{Folder, System};
use crate::store::destinations::{self, Destinations, NewPart};
use crate::text::untrusted::escaped;

/// The current configuration.
pub(super) struct Definitions<'a> {
    pub(super) system: &'a System,
    pub(super) config: &'a Config,
    /// What receives the provider's token, or a token that is issued for it.
    pub(super) consumers: Vec<Consumer>,
}

impl<'a> Definitions<'a> {
    /// The definitions for tokens that nothing else receives.
    pub(super) fn new(system: &'a System, config: &'a Config) -> Self {
        Self { system, config, consumers: Vec::new() }
    }

    /// The user's own files, independent of options and variables: the config file and the discovered providers.
    fn own_files(&self) -> Vec<String> {
        let config = self.system.paths.folder(Folder::Config).ok().map(|folder| folder.join("config.toml"));
        let files = config.into_iter().chain(discovered::path(self.system));
        files.filter(|path| path.is_absolute()).map(|path| path.to_string_lossy().into_owned()).collect()
    }

    /// The configuration of the user's own files, if another file replaces them.
    fn in_own_files(&self, only: Option<&ProviderName>, own_files: &[String]) -> Option<Config> {
        let options = LoadOptions {
            config: Some(PathBuf::from(own_files.first()?)),
            profile: self.config.profile.clone(),
            only: only.cloned(),
        };
        Some(Config::load(self.system, &options))
    }

    /// The first part that is neither recorded nor in the user's own files.
    fn new_among(
        &self,
        parts: &dyn for<'c> Fn(&'c Config) -> Vec<Part<'c>>,
        only: Option<&ProviderName>,
        recorded: Option<&Destinations>,
        own_files: &[String],
    ) -> Option<Part<'a>> {
        let mut found = parts(self.config);
        found.retain(|part| {
            !part.is_from(own_files)
                && !recorded.is_some_and(|recorded| recorded.parts.contains(&part.recorded()))
        });
        if found.is_empty() {
            return None;
        }
        let own = self.in_own_files(only, own_files);
        let own = own.as_ref().map(parts).unwrap_or_default();
        let own: Vec<String> =
            own.iter().filter(|part| part.is_from(own_files)).map(Part::recorded).collect();
        found.into_iter().find(|part| !own.contains(&part.recorded()))
    }

    /// The first part of `[store]` that decides where its token or password goes and that the user's own files do not
    /// contain.
    pub(super) fn new_part_of_store(&self) -> Option<NewPart> {
        let own_files = self.own_files();
        let new = self.new_among(&Config::store_parts, None, None, &own_files)?;
        Some(new_part(&new, false, &own_files))
    }
}

fn new_part(part: &Part<'_>, is_recorded: bool, own_files: &[String]) -> NewPart {
    NewPart {
        what: part.what(),
        origin: escaped(&part.origin.to_string()),
        is_recorded,
        own_file: own_files.first().map(|path| escaped(path)),
    }
}

impl destinations::Definitions for Definitions<'_> {
    fn destinations(&self, provider: &ProviderName) -> Destinations {
        let consumers = self.config.consumers(provider);
        let consumers = self.consumers.iter().chain(&consumers);
        let parts = consumers.flat_map(|consumer| self.config.parts_of(consumer));
        let parts = self.config.parts(provider).into_iter().chain(parts).map(|part| part.recorded());
        Destinations { parts: parts.collect(), own_files: self.own_files() }
    }

    fn new_part(&self, provider: &ProviderName, recorded: Option<&Destinations>) -> Option<NewPart> {
        let own_files = match recorded {
            Some(recorded) if !recorded.own_files.is_empty() => recorded.own_files.clone(),
            _ => self.own_files(),
        };
        let of_consumer = |consumer: &Consumer| {
            self.new_among(&|config| config.parts_of(consumer), consumer.provider(), recorded, &own_files)
        };
        let new = self.new_among(&|config| config.parts(provider), Some(provider), recorded, &own_files);
        let new = new.or_else(|| self.consumers.iter().find_map(of_consumer))?;
        Some(new_part(&new, recorded.is_some(), &own_files))
    }

    fn can_issue_again(&self, provider: &ProviderName) -> bool {
        self.config.provider(provider).is_ok_and(|provider| !provider.source.is_interactive())
    }
}
