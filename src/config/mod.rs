//! The configuration: layers of TOML and variables merged into providers, each value with the place it came from.

mod build;
mod changes;
mod choice;
pub mod discovered;
pub mod display;
pub mod document;
pub mod edit;
mod edit_error;
pub mod environment;
pub mod excerpt;
mod guarded_file;
pub mod helper;
pub mod json_schema;
pub mod layers;
pub mod merge;
pub mod project;
pub mod provider_table;
pub mod reach;
pub mod report;
mod secrets;
pub mod store;
pub mod templates;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use self::build::apply_template;
pub use self::choice::ChoiceError;
use self::layers::{File, Options, Texts, Warning};
use self::project::Narrowing;
use crate::advice::{Advise, Status};
use crate::config::provider_table::Credential;
use crate::name::ProviderName;
use crate::oauth::registration::ClientIdUrl;
use crate::ports::System;
use crate::provider::environment::APP_SERVICE_VARIABLE;
use crate::provider::{Kind, TokenProvider};
use crate::schema::{Layer, Problem, Setting, Value};

/// The configuration as all layers together say it. It is made even when parts of it are wrong: what is wrong is told
/// when it is asked for.
#[derive(Debug)]
pub struct Config {
    /// The files that were looked for, in the order of their layers.
    pub files: Vec<File>,
    /// The profile in use.
    pub profile: Option<String>,
    /// The provider of a bare `authctl token`, as written.
    pub default: Option<Setting>,
    /// The settings of the store.
    pub store: Option<Setting>,
    /// The browser command.
    pub browser: Option<Setting>,
    /// The program that is run when a login is needed where nobody watches.
    pub on_login_required: Option<Setting>,
    /// Where the user hosts a client ID metadata document.
    pub client_id_metadata: Option<Setting>,
    /// The providers as merged, right or wrong.
    pub credentials: BTreeMap<ProviderName, Credential>,
    narrowing: BTreeMap<ProviderName, Narrowing>,
    problems: Vec<Problem>,
    project_problems: Vec<Problem>,
    warnings: Vec<Warning>,
    app_service: bool,
    home: Option<PathBuf>,
    /// The profiles that the files define.
    pub profiles: BTreeSet<String>,
    /// What is wrong with single providers that have no place among the others: nobody else is kept from working by it.
    loose_problems: Vec<Problem>,
}

/// A provider that is configured right.
pub struct Provider {
    /// Its name.
    pub name: ProviderName,
    /// `https`, or `http` where the configuration says so.
    pub scheme: String,
    /// The hosts that its tokens may be sent to, `domain` first.
    pub hosts: Vec<String>,
    /// The kind, or the grant.
    pub kind: &'static Kind,
    /// Where its tokens come from.
    pub source: Box<dyn TokenProvider>,
    /// What the project asks for of it.
    pub narrowing: Narrowing,
    /// What other programs are told of it.
    pub helper: helper::Settings,
}

impl Provider {
    /// Whether its tokens may be sent to a URL: by its own scheme, to exactly one of its hosts (B8).
    #[must_use]
    pub fn serves(&self, url: &url::Url) -> bool {
        url.scheme() == self.scheme && self.hosts.contains(&crate::oauth::endpoint::authority(url))
    }
}

/// What is wrong with the configuration; never empty.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the configuration is wrong")]
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
    /// Reads all layers.
    #[must_use]
    pub fn load(system: &System, options: &Options) -> Self {
        Self::of(system, options, Texts::read(system, options))
    }

    /// Reads what the texts of all layers say.
    #[must_use]
    pub fn of(system: &System, options: &Options, texts: Texts) -> Self {
        let mut loaded = layers::load(texts, options);
        let mut config = Self::empty(system);
        config.problems = std::mem::take(&mut loaded.problems);
        config.project_problems = std::mem::take(&mut loaded.project_problems);
        config.warnings = std::mem::take(&mut loaded.warnings);
        let chosen = layers::profile(system, options, &loaded, &mut config.project_problems);
        let profile = chosen.as_ref().map(|(name, _)| name.clone());
        let mut profile_found = false;
        let files = [loaded.learned.take(), loaded.site.take(), loaded.user.take()];
        for file in files.into_iter().flatten() {
            profile_found |= config.add_file(file, profile.as_deref());
        }
        // A client that was registered for a provider that is configured no more is no provider.
        config.credentials.retain(|_, credential| {
            credential.origin.layer() != Layer::Learned || credential.keys.contains_key("url")
        });
        if let (Some((name, origin)), false) = (&chosen, profile_found) {
            let message = format!("the profile `{}` is not defined", crate::text::untrusted::escaped(name));
            let problem = Problem::new(message, origin).hint("define it as [profile.NAME.credentials.…]");
            let from_project = origin.layer() == Layer::Project;
            let list = if from_project { &mut config.project_problems } else { &mut config.problems };
            list.push(problem);
        }
        config.profile = profile;
        config.apply_templates();
        if let Some(file) = loaded.project.take() {
            project::apply(&mut config, &file);
        }
        environment::apply(&mut config, system);
        // A registration may outlive the configuration that it was for; by itself it is no provider.
        config.credentials.retain(|_, credential| {
            credential.origin.layer() != Layer::Learned || credential.keys.contains_key("domain")
        });
        config.files = loaded.files;
        config
    }

    /// What one file of the user's says by itself.
    #[must_use]
    pub fn of_file(system: &System, document: layers::Document) -> Self {
        let mut config = Self::as_written(system, document);
        config.apply_templates();
        config
    }

    /// The same without what templates add to it.
    fn as_written(system: &System, document: layers::Document) -> Self {
        let mut config = Self::empty(system);
        config.add_file(document, None);
        config
    }

    fn empty(system: &System) -> Self {
        Self {
            files: Vec::new(),
            profile: None,
            default: None,
            store: None,
            browser: None,
            client_id_metadata: None,
            on_login_required: None,
            credentials: BTreeMap::new(),
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

    /// Adds a site or user file; says whether it defines the profile.
    fn add_file(&mut self, file: layers::Document, profile: Option<&str>) -> bool {
        let parsed = document::parse_file(&file);
        self.problems.extend(parsed.problems);
        self.loose_problems.extend(parsed.loose_problems);
        self.profiles.extend(parsed.profiles.keys().cloned());
        let chosen = profile.and_then(|name| parsed.profiles.get(name));
        let base = [parsed.base.clone()].into_iter().chain(chosen.cloned());
        for body in base {
            self.default = body.default.or(self.default.take());
            for (name, credential) in body.credentials {
                merge::lay_over(self.credentials.entry(name).or_default(), credential);
            }
        }
        self.store = parsed.store.or(self.store.take());
        self.browser = parsed.browser.or(self.browser.take());
        self.on_login_required = parsed.on_login_required.or(self.on_login_required.take());
        self.client_id_metadata = parsed.client_id_metadata.or(self.client_id_metadata.take());
        chosen.is_some()
    }

    /// Lays each credential over the template that it names.
    fn apply_templates(&mut self) {
        self.credentials.values_mut().for_each(apply_template);
    }

    /// Everything that is wrong, of all layers and providers.
    #[must_use]
    pub fn all_problems(&self) -> Vec<Problem> {
        let mut problems = self.problems.clone();
        problems.extend(self.project_problems.iter().cloned());
        problems.extend(self.loose_problems.iter().cloned());
        if self.credentials.is_empty() && problems.is_empty() {
            problems.push(self.nothing_configured());
        }
        problems.extend(self.check_default());
        problems.extend(self.client_id_metadata().err().into_iter().flat_map(|error| error.0));
        for name in self.credentials.keys() {
            problems.extend(self.build(name).err().into_iter().flatten());
        }
        problems
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

    /// Fails when a file is wrong as a whole. A project's file may be passed over by commands that must work all the
    /// same.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn check_files(&self, with_project: bool) -> Result<(), ConfigError> {
        let mut problems = self.problems.clone();
        if with_project {
            problems.extend(self.project_problems.iter().cloned());
        }
        if problems.is_empty() { Ok(()) } else { Err(ConfigError(problems)) }
    }

    /// A provider, if all that concerns it is right.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn provider(&self, name: &ProviderName) -> Result<Provider, ConfigError> {
        self.build(name).map_err(ConfigError)
    }

    /// The environment variables that secrets are read from: browsers and editors do not inherit them.
    #[must_use]
    pub fn secret_variables(&self) -> BTreeSet<String> {
        fn collect(setting: &Setting, found: &mut BTreeSet<String>) {
            match &setting.value {
                Value::Table(table) => {
                    if let (1, Some(name)) = (table.len(), table.get("env").and_then(Setting::text)) {
                        found.insert(name.to_owned());
                    }
                    table.values().for_each(|member| collect(member, found));
                }
                Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
                _ => {}
            }
        }
        let mut found = BTreeSet::new();
        self.store.iter().for_each(|store| collect(store, &mut found));
        if matches!(self.store_choice(), crate::store::StoreChoice::Only(crate::store::StoreKind::Vault)) {
            found.insert("VAULT_TOKEN".to_owned());
        }
        for written in self.credentials.values().filter_map(|credential| credential.kind.as_ref()) {
            collect(&written.table, &mut found);
            for kind in Kind::named(&written.called) {
                found.extend(kind.variables.iter().map(|&name| name.to_owned()));
            }
            let table = written.table.table();
            let variable = table.and_then(|table| table.get("variable")).and_then(Setting::text);
            found.extend(variable.map(str::to_owned));
        }
        found
    }
}
