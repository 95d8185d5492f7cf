//! All layers become one configuration: files, then templates, the project, and the environment.

use super::document::{Parsed, parse_file};
use super::layers;
use super::merged::Config;
use super::source_files::{LoadOptions, Texts};
use super::templates::apply_template;
use super::toml_document::Document;
use super::{discovered, environment, merge, project};
use crate::ports::System;
use crate::schema::{Layer, Problem};
use crate::text::untrusted::escaped;

impl Config {
    /// Reads all layers.
    #[must_use]
    pub fn load(system: &System, options: &LoadOptions) -> Self {
        Self::of(system, options, Texts::read(system, options))
    }

    /// Reads what the texts of all layers say.
    #[must_use]
    pub fn of(system: &System, options: &LoadOptions, texts: Texts) -> Self {
        let mut loaded = layers::load(texts, options);
        let mut config = Self::empty(system);
        config.problems = std::mem::take(&mut loaded.problems);
        config.project_problems = std::mem::take(&mut loaded.project_problems);
        config.warnings = std::mem::take(&mut loaded.warnings);
        let chosen = layers::select_profile(system, options, &loaded, &mut config.project_problems);
        let profile = chosen.as_ref().map(|(name, _)| name.clone());
        let mut profile_found = false;
        let files = [loaded.discovered.take(), loaded.site.take(), loaded.user.take()];
        for file in files.into_iter().flatten() {
            profile_found |= config.add_file(file, profile.as_deref());
        }
        // A client whose provider is no longer configured is not a provider.
        config.credentials.retain(|_, credential| {
            credential.origin.layer() != Layer::Discovered || credential.keys.contains_key("url")
        });
        if let (Some((name, origin)), false) = (&chosen, profile_found) {
            let message = format!("the profile `{}` is not defined", escaped(name));
            let problem = Problem::new(message, origin)
                .hint(format!("define it as [profile.{}.credentials.PROVIDER]", escaped(name)));
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
        // A registration may outlive its provider's configuration. Without that, it is not a provider.
        config.credentials.retain(|_, credential| {
            credential.origin.layer() != Layer::Discovered || credential.keys.contains_key("domain")
        });
        config.files = loaded.files;
        config
    }

    /// What one file of the user's says by itself.
    #[must_use]
    pub fn of_file(system: &System, document: Document) -> Self {
        let mut config = Self::as_written(system, document);
        config.apply_templates();
        config
    }

    /// The same without what templates add to it.
    pub(super) fn as_written(system: &System, document: Document) -> Self {
        let mut config = Self::empty(system);
        config.add_file(parse_file(&document), None);
        config
    }

    /// Adds a site or user file; says whether it defines the profile.
    fn add_file(&mut self, mut parsed: Parsed, profile: Option<&str>) -> bool {
        self.problems.extend(parsed.problems);
        self.loose_problems.extend(parsed.loose_problems);
        self.profiles.extend(parsed.profiles.keys().cloned());
        let chosen = profile.and_then(|name| parsed.profiles.remove(name));
        let defines_profile = chosen.is_some();
        for body in [parsed.base].into_iter().chain(chosen) {
            self.default = body.default.or(self.default.take());
            for (name, mut credential) in body.credentials {
                discovered::take_state(&mut credential);
                merge::lay_over(self.credentials.entry(name).or_default(), credential);
            }
        }
        self.store = parsed.store.or(self.store.take());
        self.browser = parsed.browser.or(self.browser.take());
        self.on_login_required = parsed.on_login_required.or(self.on_login_required.take());
        self.client_id_metadata = parsed.client_id_metadata.or(self.client_id_metadata.take());
        defines_profile
    }

    /// Lays each credential over the template that it names.
    fn apply_templates(&mut self) {
        self.credentials.values_mut().for_each(apply_template);
    }
}
