//! Presets of well-known providers: data in `templates/*.toml`.

use std::sync::Arc;

use super::merge;
use super::provider_table::{Credential, parse_credential};
use super::toml_document::parse;
use crate::schema::{Layer, Origin, Problem, Setting, SourceFile, Table, Value, near};
use crate::text::untrusted::escaped;

// `TEXTS`: the templates' texts by their names, as `build.rs` finds them.
include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// A preset.
#[derive(Debug)]
pub struct Template {
    pub name: &'static str,
    /// What the provider is called.
    pub title: String,
    /// What a person should know, in a sentence or two.
    pub about: String,
    /// Where an app is registered, or a key is made.
    pub register: Option<String>,
    /// What to enter there as the redirect URI.
    pub redirect: Option<String>,
    /// The variable that other programs read its token from.
    pub variable: Option<String>,
    /// What only its user knows, in the order in which it is asked for.
    pub questions: Vec<TemplateQuestion>,
    body: Table,
}

/// A value that a preset leaves to its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateQuestion {
    /// The path of its key in the credential, such as `domain` or `oauth.client_id`.
    pub key: String,
    /// Where the provider shows it, in one sentence.
    pub help: String,
    pub optional: bool,
    /// What an empty answer stands for, as it would be written; scopes with blanks between them. It may hold `{domain}`.
    pub default: Option<String>,
}

/// The names of all templates, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    TEXTS.iter().map(|(name, _)| *name)
}

/// The template of a name.
#[must_use]
pub fn find(name: &str) -> Option<Template> {
    let (name, text) = TEXTS.iter().find(|(known, _)| *known == name)?;
    let source = SourceFile {
        layer: Layer::Template,
        name: format!("template {name}"),
        path: None,
        text: (*text).to_owned(),
    };
    let root = parse(&Arc::new(source)).ok()?.root;
    let text = |key: &str| root.get(key).and_then(Setting::text).map(str::to_owned);
    Some(Template {
        name,
        title: text("title")?,
        about: text("about")?,
        register: text("register"),
        redirect: text("redirect"),
        variable: text("variable"),
        questions: questions(root.get("ask"))?,
        body: root.get("credential")?.table()?.clone(),
    })
}

/// The questions of a preset; `None` where one lacks its key or its help.
fn questions(asked: Option<&Setting>) -> Option<Vec<TemplateQuestion>> {
    let Some(Setting { value: Value::Array(asked), .. }) = asked else { return Some(Vec::new()) };
    let question = |question: &Setting| {
        let table = question.table()?;
        let text = |key: &str| table.get(key).and_then(Setting::text).map(str::to_owned);
        let optional = matches!(table.get("optional").map(|flag| &flag.value), Some(Value::Boolean(true)));
        Some(TemplateQuestion { key: text("key")?, help: text("help")?, optional, default: text("default") })
    };
    asked.iter().map(question).collect()
}

impl Template {
    /// The kind of provider that it is for.
    #[must_use]
    pub fn kind(&self) -> Option<String> {
        self.credential(Some("x.example")).kind.map(|kind| kind.called)
    }

    /// Replaces `{domain}` in a text with the provider's domain, or with the template's.
    #[must_use]
    pub fn fill(&self, text: &str, domain: Option<&str>) -> String {
        match domain.or_else(|| self.body.get("domain").and_then(Setting::text)) {
            Some(domain) => text.replace("{domain}", domain),
            None => text.to_owned(),
        }
    }

    /// Returns the lowest layer, in which `{domain}` is replaced by the provider's domain.
    #[must_use]
    pub fn credential(&self, domain: Option<&str>) -> Credential {
        let mut body = self.body.clone();
        let own = body.get("domain").and_then(Setting::text).map(str::to_owned);
        if let Some(domain) = domain.map(str::to_owned).or(own) {
            body.values_mut().for_each(|setting| fill(setting, &domain));
        }
        let origin = self.body.values().next().map_or(Origin::Default, |setting| setting.origin.clone());
        let mut credential = parse_credential("template", &body, &origin);
        credential.origin = Origin::Default;
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

/// Lays a credential over the template that it names, if it names one.
pub fn apply_template(credential: &mut Credential) {
    let Some(named) = credential.keys.get("template").cloned() else { return };
    let Some(name) = named.text() else { return };
    let Some(template) = find(name) else {
        let known: Vec<&str> = names().collect();
        let message = format!("the template `{}` does not exist", escaped(name));
        let hint = near(name, known.iter().copied()).map_or_else(
            || format!("the templates are {}", known.join(", ")),
            |near| format!("did you mean \"{near}\"?"),
        );
        credential.problems.push(Problem::new(message, &named.origin).hint(hint).showing_value());
        return;
    };
    let domain = credential.keys.get("domain").and_then(Setting::text).map(str::to_owned);
    let mut base = template.credential(domain.as_deref());
    credential.registration = template.register.as_deref().map(|page| template.fill(page, domain.as_deref()));
    merge::lay_over(&mut base, std::mem::take(credential));
    *credential = base;
}
