//! The configuration as one value.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::layers::Warning;
use super::narrowing::Narrowing;
use super::provider::BuiltProviders;
use super::provider_table::Credential;
use super::source_files::ConfigFile;
use super::store_table::StoreTable;
use crate::advice::{Advise, Status};
use crate::name::ProviderName;
use crate::oauth::registration::ClientIdUrl;
use crate::ports::System;
use crate::provider::environment::APP_SERVICE_VARIABLE;
use crate::schema::{Problem, Setting};

/// The configuration from all layers. It also exists if parts of it are not valid, and reports a part's problems only to
/// commands that use that part.
#[derive(Debug, Clone)]
pub struct Config {
    /// The files that were looked for, in the order of their layers.
    pub files: Vec<ConfigFile>,
    pub profile: Option<String>,
    /// The provider of a bare `authctl token`, as written.
    pub default: Option<Setting>,
    pub store: Option<StoreTable>,
    pub browser: Option<Setting>,
    /// The program that is run when a login is needed where nobody watches.
    pub on_login_required: Option<Setting>,
    /// Where the user hosts a client ID metadata document.
    pub client_id_metadata: Option<Setting>,
    /// The providers as merged, right or wrong.
    pub credentials: BTreeMap<ProviderName, Credential>,
    pub(super) built: BuiltProviders,
    pub(super) narrowing: BTreeMap<ProviderName, Narrowing>,
    pub(super) problems: Vec<Problem>,
    pub(super) project_problems: Vec<Problem>,
    pub(super) warnings: Vec<Warning>,
    pub(super) app_service: bool,
    pub(super) home: Option<PathBuf>,
    /// The profiles that the files define.
    pub profiles: BTreeSet<String>,
    /// What is wrong with single providers that have no place among the others: nobody else is kept from working by it.
    pub(super) loose_problems: Vec<Problem>,
}

/// What is wrong with the configuration; never empty.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the configuration is not valid")]
pub struct ConfigError(pub Vec<Problem>);

impl Advise for ConfigError {
    fn status(&self) -> Status {
        Status::Config
    }

    /// Each problem is shown with its own.
    fn hint(&self) -> Option<String> {
        None
    }
}

impl Config {
    pub(super) fn empty(system: &System) -> Self {
        Self {
            files: Vec::new(),
            profile: None,
            default: None,
            store: None,
            browser: None,
            client_id_metadata: None,
            on_login_required: None,
            credentials: BTreeMap::new(),
            built: BuiltProviders::default(),
            narrowing: BTreeMap::new(),
            problems: Vec::new(),
            project_problems: Vec::new(),
            warnings: Vec::new(),
            app_service: system.environment.variable(APP_SERVICE_VARIABLE).is_some(),
            home: system.paths.home(),
            profiles: BTreeSet::new(),
            loose_problems: Vec::new(),
        }
    }

    /// What is not wrong but should be known.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The program that is run when a login is needed where nobody watches, and its arguments.
    #[must_use]
    pub fn on_login_required(&self) -> Option<Vec<&str>> {
        self.on_login_required.as_ref().and_then(Setting::strings)
    }

    /// The client's identifier where it is the URL of a metadata document that the user hosts.
    ///
    /// # Errors
    /// [`ConfigError`], when it can be none.
    pub fn client_id_metadata(&self) -> Result<Option<ClientIdUrl>, ConfigError> {
        let Some(setting) = &self.client_id_metadata else { return Ok(None) };
        let id = setting.text().unwrap_or_default().parse::<ClientIdUrl>();
        id.map(Some).map_err(|error| {
            let problem =
                Problem::new(format!("`client_id_metadata` cannot be used: {error}"), &setting.origin);
            ConfigError(vec![problem.showing_value()])
        })
    }
}
