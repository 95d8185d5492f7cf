//! The templates: each parses, is valid, asks for what it needs, and yields the endpoints and quirks that are pinned here.

mod catalogue;
mod providers;
mod questions;

use authctl::config::provider_table::Credential;
use authctl::config::templates::{self, Template};
use authctl::provider::Kind;
use authctl::schema::Setting;

/// The output of `config show` for each template: its name, then the lines. Templates without a domain get `own.example`; if the
/// name is followed by a domain, the template gets that one.
const EXPECTED: &str = include_str!("expected.txt");

fn expected() -> Vec<(&'static str, Option<&'static str>, Vec<&'static str>)> {
    let mut expected = Vec::new();
    for block in EXPECTED.trim_end().split("\n\n") {
        let mut lines = block.lines();
        let heading = lines.next().unwrap();
        let (name, domain) =
            heading.split_once(' ').map_or((heading, None), |(name, domain)| (name, Some(domain)));
        expected.push((name, domain, lines.map(str::trim).collect()));
    }
    expected
}

fn every_template() -> impl Iterator<Item = Template> {
    templates::names().map(|name| templates::find(name).unwrap_or_else(|| panic!("{name} cannot be read")))
}

/// The kind of a template, by its grant.
fn kind(template: &Template) -> Option<&'static Kind> {
    let written = template.credential(Some("own.example")).kind?;
    let grant = written.table.table()?.get("grant_type").and_then(Setting::text).map(str::to_owned);
    Kind::named(&written.called).find(|kind| grant.as_deref().is_none_or(|grant| kind.has_grant(grant)))
}

/// What a template writes at a path, as a question would have it.
fn written(credential: &Credential, path: &str) -> Option<String> {
    let mut parts = path.split('.');
    let first = parts.next()?;
    let mut setting = match &credential.kind {
        Some(kind) if kind.called == first => kind.table.clone(),
        _ => credential.keys.get(first)?.clone(),
    };
    for part in parts {
        setting = setting.table()?.get(part)?.clone();
    }
    setting.strings().map(|words| words.join(" "))
}
