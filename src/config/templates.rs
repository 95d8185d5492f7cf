//! Presets of well-known providers: data in `templates/*.toml`.

use std::sync::Arc;

use super::credentials::{Credential, parse_credential};
use super::layers;
use crate::setting::{Layer, Setting, Source, Table, Value};

macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        /// The templates' texts by their names.
        const TEXTS: &[(&str, &str)] = &[$(($name, include_str!(concat!("templates/", $name, ".toml")))),+];
    };
}

templates! {
    "atlassian", "auth0", "auth0-federated", "discord", "foundry", "github", "gitlab", "google", "google-service-account", "keycloak", "microsoft", "okta", "slack",
    "spotify",
}

/// A preset.
#[derive(Debug)]
pub struct Template {
    /// Its name.
    pub name: &'static str,
    /// What the provider is called.
    pub title: String,
    /// What a person should know, in a sentence or two.
    pub about: String,
    /// Where an app is registered.
    pub register: Option<String>,
    /// The variable that other programs read its token from.
    pub variable: Option<String>,
    body: Table,
}

/// The names of all templates, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    TEXTS.iter().map(|(name, _)| *name)
}

/// The template of a name.
#[must_use]
pub fn find(name: &str) -> Option<Template> {
    let (name, text) = TEXTS.iter().find(|(known, _)| *known == name)?;
    let source = Source {
        layer: Layer::Template,
        name: format!("template {name}"),
        path: None,
        text: (*text).to_owned(),
    };
    let root = layers::parse(&Arc::new(source)).ok()?.root;
    let text = |key: &str| root.get(key).and_then(Setting::text).map(str::to_owned);
    Some(Template {
        name,
        title: text("title")?,
        about: text("about")?,
        register: text("register"),
        variable: text("variable"),
        body: root.get("credential")?.table()?.clone(),
    })
}

impl Template {
    /// The credential that lies under all layers. `{domain}` in its texts is the credential's domain.
    #[must_use]
    pub fn credential(&self, domain: Option<&str>) -> Credential {
        let mut body = self.body.clone();
        let own = body.get("domain").and_then(Setting::text).map(str::to_owned);
        if let Some(domain) = domain.map(str::to_owned).or(own) {
            body.values_mut().for_each(|setting| fill(setting, &domain));
        }
        let origin = self
            .body
            .values()
            .next()
            .map_or(crate::setting::Origin::Default, |setting| setting.origin.clone());
        let mut credential = parse_credential("template", &body, &origin);
        credential.origin = crate::setting::Origin::Default;
        credential
    }
}

fn fill(setting: &mut Setting, domain: &str) {
    match &mut setting.value {
        Value::Text(text) => *text = text.replace("{domain}", domain),
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, domain)),
        Value::Table(members) => members.values_mut().for_each(|member| fill(member, domain)),
        _ => {}
    }
}
