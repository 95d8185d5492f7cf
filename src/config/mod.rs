//! The configuration: layers of TOML and variables merged into providers, each value with the place it came from.

mod build;
pub mod credentials;
pub mod display;
pub mod edit;
pub mod environment;
pub mod excerpt;
pub mod file;
pub mod helper;
pub mod layers;
pub mod learned;
pub mod merge;
pub mod project;
pub mod report;
pub mod schema;
mod secrets;
pub mod store;
pub mod templates;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use self::build::apply_template;
use self::credentials::Credential;
use self::layers::{File, Options, Texts};
use self::project::Narrowing;
use crate::name::ProviderName;
use crate::oauth::registration::ClientIdUrl;
use crate::ports::System;
use crate::provider::environment::APP_SERVICE_VARIABLE;
use crate::provider::{KINDS, Kind, TokenProvider};
use crate::setting::{Layer, Origin, Problem, Setting, Value, near};
use url::Url;

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
    warnings: Vec<String>,
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

/// Why no provider was chosen.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ChoiceError {
    /// There are several, and none is the default.
    #[error("several providers are configured, and none is named: {}", names(.0))]
    Ambiguous(Vec<ProviderName>),
    /// There is none of this name.
    #[error("the provider `{name}` is not configured")]
    Unknown {
        /// The name.
        name: ProviderName,
        /// What to do.
        hint: String,
    },
    /// No provider has this URL.
    #[error("no login is known for {}", crate::foreign::escaped(.0.as_str()))]
    UnknownUrl(Url),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

fn names(names: &[ProviderName]) -> String {
    names.iter().map(ProviderName::to_string).collect::<Vec<_>>().join(", ")
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
        if let (Some((name, origin)), false) = (&chosen, profile_found) {
            let message = format!("the profile `{}` is not defined", crate::foreign::escaped(name));
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
        let mut config = Self::empty(system);
        config.add_file(document, None);
        config.apply_templates();
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
        let parsed = file::parse_file(&file);
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
    pub fn warnings(&self) -> &[String] {
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

    /// The provider that is meant: the named, else the default, else the only one.
    ///
    /// # Errors
    /// [`ChoiceError`].
    pub fn choose(&self, named: Option<&ProviderName>) -> Result<ProviderName, ChoiceError> {
        if let Some(name) = named {
            return match self.credentials.contains_key(name) {
                true => Ok(name.clone()),
                false => Err(self.unknown(name)),
            };
        }
        if let Some(problem) = self.check_default() {
            return Err(ConfigError(vec![problem]).into());
        }
        if let Some(name) = self.default.as_ref().and_then(|default| default.text()?.parse().ok()) {
            return Ok(name);
        }
        // What was only learned is meant by its URL, unless there is nothing else.
        let is_learned = |name: &&ProviderName| {
            self.credentials.get(name).is_some_and(|credential| credential.origin.layer() == Layer::Learned)
        };
        let only_learned = self.credentials.keys().all(|name| is_learned(&name));
        let mut names = self.credentials.keys().filter(|name| only_learned || !is_learned(name));
        match (names.next(), names.next()) {
            (Some(only), None) => Ok(only.clone()),
            (None, _) => Err(ConfigError(vec![self.nothing_configured()]).into()),
            (Some(one), Some(other)) => {
                Err(ChoiceError::Ambiguous([one, other].into_iter().chain(names).cloned().collect()))
            }
        }
    }

    /// The provider that a URL means: the one that was logged in to by it, else the one of the nearest URL above it, else
    /// the one whose host it is.
    ///
    /// # Errors
    /// [`ChoiceError`].
    pub fn choose_by_url(&self, url: &Url) -> Result<ProviderName, ChoiceError> {
        let above = |credential: &Credential| {
            let known = credential.keys.get("url").and_then(Setting::text)?;
            let known = Url::parse(known).ok().filter(|known| learned::is_at_or_above(known, url))?;
            Some(known.path().len())
        };
        let nearest = self
            .credentials
            .iter()
            .filter_map(|(name, credential)| Some((above(credential)?, name)))
            .max_by_key(|(length, _)| *length);
        if let Some((_, name)) = nearest {
            return Ok(name.clone());
        }
        let serves = |name: &&ProviderName| self.provider(name).is_ok_and(|provider| provider.serves(url));
        let serving: Vec<ProviderName> = self.credentials.keys().filter(serves).cloned().collect();
        let default = self.default.as_ref().and_then(Setting::text);
        match serving.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(ChoiceError::UnknownUrl(url.clone())),
            several => match several.iter().find(|name| Some(name.as_str()) == default) {
                Some(default) => Ok(default.clone()),
                None => Err(ChoiceError::Ambiguous(serving)),
            },
        }
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
            for kind in KINDS.iter().filter(|kind| kind.is_called(&written.called)) {
                found.extend(kind.variables.iter().map(|&name| name.to_owned()));
            }
            let table = written.table.table();
            let variable = table.and_then(|table| table.get("variable")).and_then(Setting::text);
            found.extend(variable.map(str::to_owned));
        }
        found
    }

    fn unknown(&self, name: &ProviderName) -> ChoiceError {
        let known = self.credentials.keys().map(ProviderName::as_str);
        let hint = match near(name.as_str(), known) {
            Some(near) => format!("did you mean `{near}`?"),
            None if templates::find(name.as_str()).is_some() => {
                format!("there is a template of this name: run `authctl provider add {name}`")
            }
            None if self.credentials.is_empty() => self.nothing_configured().hint.unwrap_or_default(),
            None => {
                format!("the providers are {}", names(&self.credentials.keys().cloned().collect::<Vec<_>>()))
            }
        };
        ChoiceError::Unknown { name: name.clone(), hint }
    }

    fn nothing_configured(&self) -> Problem {
        let user = self.files.iter().find(|file| file.layer == Layer::User);
        let path =
            user.map_or_else(|| "the configuration file".to_owned(), |file| file.path.display().to_string());
        Problem::new("no provider is configured: there is no [credentials]", &Origin::Default)
            .hint(format!("write one into {path}, for example:\n\n    [credentials.github]\n    template = \"github\"\n    oauth.client_id = \"…\"\n"))
    }

    fn check_default(&self) -> Option<Problem> {
        let default = self.default.as_ref()?;
        let problem = match default.text() {
            None => Problem::new(
                format!("`default` must be a string, not {}", default.value.type_name()),
                &default.origin,
            ),
            Some(name) if self.credentials.keys().any(|known| known.as_str() == name) => return None,
            Some(name) => Problem::new(
                format!("the default provider `{}` is not configured", crate::foreign::escaped(name)),
                &default.origin,
            ),
        };
        Some(problem.showing_value())
    }
}
