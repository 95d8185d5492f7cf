//! Provider definitions for the store, which sends a secret only to the hosts that it was stored for or that the user's own
//! files name.

use std::path::PathBuf;

use crate::config::layers::Options;
use crate::config::reach::Part;
use crate::config::{Config, learned};
use crate::foreign::escaped;
use crate::name::ProviderName;
use crate::ports::{Folder, System};
use crate::store::reach::{self, NewPart, Reach};

/// The configuration in force.
pub(super) struct Definitions<'a> {
    pub(super) system: &'a System,
    pub(super) config: &'a Config,
}

impl Definitions<'_> {
    /// The user's own files, whatever options and variables say: the config file and the discovered providers.
    fn own_files(&self) -> Vec<String> {
        let config = self.system.paths.folder(Folder::Config).ok().map(|folder| folder.join("config.toml"));
        let files = config.into_iter().chain(learned::path(self.system));
        files.filter(|path| path.is_absolute()).map(|path| path.to_string_lossy().into_owned()).collect()
    }

    /// What the user's own files define for a provider while another file replaces them.
    fn of_own_files(&self, provider: &ProviderName, own_files: &[String]) -> Vec<Part> {
        let Some(file) = own_files.first() else { return Vec::new() };
        let options = Options {
            config: Some(PathBuf::from(file)),
            profile: self.config.profile.clone(),
            only: Some(provider.clone()),
        };
        let mut parts = Config::load(self.system, &options).parts(provider);
        parts.retain(|part| part.is_from(own_files));
        parts
    }
}

impl reach::Definitions for Definitions<'_> {
    fn reach(&self, provider: &ProviderName) -> Reach {
        let parts = self.config.parts(provider).into_iter().map(|part| part.recorded);
        Reach { parts: parts.collect(), own_files: self.own_files() }
    }

    fn new_part(&self, provider: &ProviderName, recorded: Option<&Reach>) -> Option<NewPart> {
        let own_files = match recorded {
            Some(recorded) if !recorded.own_files.is_empty() => recorded.own_files.clone(),
            _ => self.own_files(),
        };
        let mut parts = self.config.parts(provider);
        parts.retain(|part| {
            let is_recorded = recorded.is_some_and(|recorded| recorded.parts.contains(&part.recorded));
            !is_recorded && !part.is_from(&own_files)
        });
        if parts.is_empty() {
            return None;
        }
        let own = self.of_own_files(provider, &own_files);
        let new = parts.into_iter().find(|part| !own.iter().any(|own| own.recorded == part.recorded))?;
        Some(NewPart {
            what: new.what,
            origin: escaped(&new.origin.to_string()),
            is_recorded: recorded.is_some(),
            own_file: own_files.first().map(|path| escaped(path)),
        })
    }

    fn can_issue_again(&self, provider: &ProviderName) -> bool {
        self.config.provider(provider).is_ok_and(|provider| !provider.source.is_interactive())
    }
}
