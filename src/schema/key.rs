//! The keys of a table, their shapes, and the check of a table against them.

use crate::schema::shape::{Shape, quoted};
use crate::schema::{Problem, Setting, Value};
use crate::text::untrusted::escaped;

/// One key of a table: the grammar, the mask, the schema and the help all read this.
#[derive(Debug)]
pub struct Key {
    /// The key as it is written, without a `_` prefix.
    pub name: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// What it means, in one sentence without a full stop.
    pub about: &'static str,
    /// What holds when it is not written, as it would be written.
    pub default: Option<&'static str>,
    /// Whether a table without it is wrong.
    pub required: bool,
    /// Whether the environment may set it for a provider that a file defines (DESIGN 1.5).
    pub from_environment: bool,
    /// Whether its value cannot send a secret to another place.
    harmless: bool,
    /// Whether only the site and user layers may set it, because it runs a program or changes whom TLS trusts.
    pub trusted: bool,
}

impl Key {
    /// A key that may be left out.
    #[must_use]
    pub const fn new(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self {
            name,
            shape,
            about,
            default: None,
            required: false,
            from_environment: false,
            harmless: false,
            trusted: false,
        }
    }

    /// The key with what holds when it is not written.
    #[must_use]
    pub const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// The key, required.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The key, which the environment may set for a provider that a file defines.
    #[must_use]
    pub const fn from_environment(mut self) -> Self {
        self.from_environment = true;
        self
    }

    /// The key, whose value cannot send a secret to another place.
    #[must_use]
    pub const fn harmless(mut self) -> Self {
        self.harmless = true;
        self
    }

    /// Whether its value cannot send a secret to another place, as those that the environment may set cannot.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        self.harmless || self.from_environment
    }

    /// The key, for the site and user layers alone.
    #[must_use]
    pub const fn trusted(mut self) -> Self {
        self.trusted = true;
        self
    }

    /// Whether its value is a secret.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        matches!(self.shape, Shape::Secret)
    }
}

/// Checks a table against its keys: unknown keys, wrong types, missing keys, and keys of a layer that may not set them.
/// The names are as they were normalised: a known secret stands without its `_`. An `open` table may have other keys too.
#[must_use]
pub fn check(path: &str, table: &Setting, keys: &[&Key], open: bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    let Some(members) = table.table() else {
        let message = format!("`{path}` must be a table, not {}", table.value.type_name());
        return vec![Problem::new(message, &table.origin)];
    };
    for (name, member) in members {
        match keys.iter().find(|key| key.name == name) {
            None if open => problems.extend(check_open(path, name, member)),
            None => problems.push(unknown(path, name, member, keys.iter().map(|key| key.name))),
            Some(key) => problems.extend(check_member(path, key, member)),
        }
    }
    let twice = |path: &str, table: &Setting| {
        let members = table.table().into_iter().flatten();
        let names: Vec<(&str, &Setting)> = members.map(|(name, member)| (name.as_str(), member)).collect();
        let repeated = |(index, (name, member)): (usize, &(&str, &Setting))| {
            let bare = name.trim_start_matches('_');
            let before = names[..index].iter().find(|(other, _)| other.trim_start_matches('_') == bare)?;
            let message = format!("`{path}` has both `{}` and `{}`", escaped(before.0), escaped(name));
            Some(Problem::new(message, &member.origin).hint("leave one of them"))
        };
        names.iter().enumerate().filter_map(repeated).collect::<Vec<_>>()
    };
    if open {
        problems.extend(twice(path, table));
    }
    for key in keys.iter().filter(|key| matches!(key.shape, Shape::Free | Shape::Secrets)) {
        if let Some(member) = members.get(key.name) {
            problems.extend(twice(&format!("{path}.{}", key.name), member));
        }
    }
    for key in keys.iter().filter(|key| key.required && !members.contains_key(key.name)) {
        let problem = Problem::new(format!("`{path}` has no `{}`", key.name), &table.origin);
        problems.push(problem.hint(format!("{}: {}", key.name, key.about)));
    }
    problems
}

/// What is passed on is anything that JSON can hold; a key that begins with `_` is a secret.
fn check_open(path: &str, name: &str, member: &Setting) -> Option<Problem> {
    if name.starts_with('_') && !Shape::Secret.fits(member) {
        let message = format!("`{path}.{}` must be {}", escaped(name), Shape::Secret.expectation());
        return Some(Problem::new(message, &member.origin));
    }
    if let Value::Other(kind) = member.value {
        let message = format!("`{path}.{}` cannot be passed on: it is {kind}", escaped(name));
        return Some(Problem::new(message, &member.origin));
    }
    None
}

fn check_member(path: &str, key: &Key, member: &Setting) -> Option<Problem> {
    if key.trusted && !member.origin.layer().may_name_programs() {
        let message = format!("`{path}.{}` cannot be set by the {} layer", key.name, member.origin.layer());
        return Some(Problem::new(message, &member.origin).hint("write it in your own configuration file"));
    }
    if let (Shape::Table(keys), Value::Table(_)) = (key.shape, &member.value) {
        return check(&format!("{path}.{}", key.name), member, keys, false).into_iter().next();
    }
    if key.shape.fits(member) {
        return runs_untrusted_program(path, key, member);
    }
    let wrong = format!("`{path}.{}` must be {}", key.name, key.shape.expectation());
    let same_type =
        matches!((key.shape, &member.value), (Shape::Choice(_) | Shape::Duration, Value::Text(_)))
            || matches!(
                (key.shape, &member.value),
                (
                    Shape::Flags(_) | Shape::Free | Shape::Secrets | Shape::Secret | Shape::Input,
                    Value::Table(_)
                )
            )
            || matches!(key.shape, Shape::Scopes) && member.strings().is_some();
    let message = if same_type { wrong } else { format!("{wrong}, not {}", member.value.type_name()) };
    let mut problem = Problem::new(message, &member.origin);
    if let (Shape::Choice(choices), Some(text)) = (key.shape, member.text())
        && let Some(near) = near(text, choices.iter().copied())
    {
        problem = problem.hint(format!("did you mean \"{near}\"?"));
    }
    let secret = key.is_secret() || matches!(key.shape, Shape::Free | Shape::Secrets | Shape::Input);
    Some(if secret { problem } else { problem.showing_value() })
}

/// A secret reference by `command` runs a program: not from a project or the environment (F-BIND2).
fn runs_untrusted_program(path: &str, key: &Key, member: &Setting) -> Option<Problem> {
    let untrusted = |setting: &Setting| {
        setting.table().is_some_and(|table| table.contains_key("command"))
            && !setting.origin.layer().may_name_programs()
    };
    let members = || member.table().into_iter().flat_map(|table| table.values());
    let in_members = matches!(key.shape, Shape::Free | Shape::Secrets) && members().any(untrusted);
    let found = (key.is_secret() || matches!(key.shape, Shape::Input)) && untrusted(member) || in_members;
    found.then(|| {
        Problem::new(format!("`{path}.{}` cannot run a program from here", key.name), &member.origin)
    })
}

/// The problem of a key that is not known, with the nearest that is.
#[must_use]
pub fn unknown<'a>(
    path: &str,
    name: &str,
    setting: &Setting,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Problem {
    let place = if path.is_empty() { "the configuration".to_owned() } else { format!("`{path}`") };
    let problem = Problem::new(format!("{place} has no key `{}`", escaped(name)), &setting.origin);
    match near(name.trim_start_matches('_'), known.clone()) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => {
            let known: Vec<&str> = known.collect();
            problem.hint(format!("its keys are {}", quoted(&known)))
        }
    }
}

/// The name of a list that is nearest to a misspelt one, if any is near.
#[must_use]
pub fn near<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names() {
        let known = ["client_id", "client_secret", "scopes"];
        assert_eq!(near("client_idd", known.into_iter()), Some("client_id"));
        assert_eq!(near("scope", known.into_iter()), Some("scopes"));
        assert_eq!(near("zzz", known.into_iter()), None);
    }
}
