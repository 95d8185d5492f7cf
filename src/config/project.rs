//! The project's file, `.authctl.toml`: it may only select and narrow (F-BIND1). A cloned repository must never be able to
//! send a token or a secret somewhere, or to run a program.

use super::merged::Config;
use super::narrowing::Narrowing;
use super::toml_document::Document;
use crate::config::provider_table::{Credential, parse_credentials};
use crate::name::ProviderName;
use crate::schema::{self, Problem, Setting};

/// The keys of `oauth` that a project may narrow.
pub const NARROWED: &[&str] = &["scopes", "audience", "resource"];

/// Applies a project file to what the other files say.
pub fn apply(config: &mut Config, document: &Document) {
    let mut problems = Vec::new();
    for (name, setting) in &document.root {
        match name.as_str() {
            "default" => {
                let known = setting
                    .text()
                    .is_some_and(|name| config.credentials.keys().any(|known| known.as_str() == name));
                if known {
                    config.default = Some(setting.clone());
                } else {
                    let message = "`default` in a project file must be a provider from your own config file";
                    problems.push(Problem::new(message, &setting.origin).showing_value());
                }
            }
            "profile" if setting.text().is_some() => {}
            "credentials" => {
                let mut loose = Vec::new();
                let parsed = parse_credentials(setting, &mut problems, &mut loose);
                problems.extend(loose);
                for (name, narrowed) in parsed {
                    match narrowing(config, &name, &narrowed) {
                        Ok(narrowing) => drop(config.narrowing.insert(name, narrowing)),
                        Err(found) => problems.extend(found),
                    }
                }
            }
            _ => problems.push(not_allowed(name, setting)),
        }
    }
    config.project_problems.extend(problems);
}

fn not_allowed(name: &str, setting: &Setting) -> Problem {
    let message = format!("a project file cannot set `{}`", crate::text::untrusted::escaped(name));
    Problem::new(message, &setting.origin)
        .hint("set only `default`, `profile`, or narrower `scopes`, `audience` and `resource` here; the rest goes in your own config file")
}

fn narrowing(config: &Config, name: &ProviderName, narrowed: &Credential) -> Result<Narrowing, Vec<Problem>> {
    let mut problems = narrowed.problems.clone();
    problems.extend(
        narrowed.keys.iter().map(|(key, setting)| not_allowed(&format!("credentials.{name}.{key}"), setting)),
    );
    let Some(defined) = config.credentials.get(name) else {
        let problem = Problem::new(format!("the provider `{name}` is not configured"), &narrowed.origin);
        problems.push(
            problem.hint("add it to your own config file: a project file can only narrow existing providers"),
        );
        return Err(problems);
    };
    let configured = |key: &str| defined.kind.as_ref()?.table.table()?.get(key);
    let mut narrowing = Narrowing::default();
    let Some(kind) = &narrowed.kind else {
        return if problems.is_empty() { Ok(narrowing) } else { Err(problems) };
    };
    if kind.canonical() != "oauth" {
        problems.push(not_allowed(&format!("credentials.{name}.{}", kind.called), &kind.table));
        return Err(problems);
    }
    for (key, setting) in kind.table.table().into_iter().flatten() {
        let path = format!("credentials.{name}.oauth.{key}");
        problems.extend(narrow(&mut narrowing, key, setting, configured(key), &path));
    }
    if problems.is_empty() { Ok(narrowing) } else { Err(problems) }
}

/// Narrows one key. Returns what is wrong with its value.
fn narrow(
    narrowing: &mut Narrowing,
    key: &str,
    setting: &Setting,
    configured: Option<&Setting>,
    path: &str,
) -> Vec<Problem> {
    let Some(texts) = setting.strings().filter(|_| NARROWED.contains(&key)) else {
        return vec![not_allowed(path, setting)];
    };
    let mut problems = Vec::new();
    let beyond = |what: &str| {
        let what = crate::text::untrusted::escaped(what);
        let message = format!("`{path}` requests more than your own config file: {what}");
        Problem::new(message, &setting.origin).hint("remove it: a project file can only request less")
    };
    if key == "scopes" {
        let scopes = schema::scopes(setting).unwrap_or_default().all;
        let known = configured.and_then(schema::scopes).unwrap_or_default().all;
        if !scopes.is_subset(&known) {
            problems.push(beyond(&scopes.difference(&known).to_string()));
        }
        if scopes.is_empty() {
            let message = format!("`{path}` must contain at least one scope");
            problems.push(Problem::new(message, &setting.origin));
        }
        narrowing.scopes = Some(scopes);
        return problems;
    }
    let known = configured.and_then(Setting::strings).unwrap_or_default();
    problems.extend(texts.iter().find(|text| !known.contains(text)).map(|more| beyond(more)));
    let texts = texts.into_iter().map(str::to_owned).collect();
    if key == "audience" {
        narrowing.audience = texts
    } else {
        narrowing.resource = texts
    }
    problems
}
