//! Checks a table against its keys.

use super::key::{Key, Shape};
use super::origin::Origin;
use super::problem::Problem;
use super::read;
use super::secret::PassedOn;
use super::section::{Checked, Section};
use super::suggestion::{near, unknown};
use super::value::{Setting, Table, Value};
use crate::text::untrusted::escaped;

/// Checks a table against its keys and reads it. Problems are unknown keys, wrong types, missing keys, and keys that this
/// layer may not set. The section contains only valid values, and its secrets lose their `_` prefix. An `open` table may
/// have other keys too.
#[must_use]
pub fn check(
    path: &str,
    members: &Table,
    origin: &Origin,
    keys: &[&'static Key],
    open: bool,
) -> (Section, Vec<Problem>) {
    let mut section = Section::new(path, origin);
    let mut problems = Vec::new();
    for (name, member) in members {
        match keys.iter().find(|key| key.name == name) {
            None if open => match passed_on(path, name, member) {
                Ok(value) => section.pass_on(name.trim_start_matches('_'), value),
                Err(problem) => problems.push(problem),
            },
            None => problems.push(unknown(path, name, member, keys.iter().map(|key| key.name))),
            Some(key) => match checked(path, key, member) {
                Ok(value) => section.insert(key.name, value, &member.origin),
                Err(problem) => problems.push(problem),
            },
        }
    }
    if open {
        problems.extend(named_twice(path, members));
    }
    for key in keys.iter().filter(|key| matches!(key.shape, Shape::Free | Shape::Secrets)) {
        if let Some(members) = members.get(key.name).and_then(Setting::table) {
            problems.extend(named_twice(&format!("{path}.{}", key.name), members));
        }
    }
    for key in keys.iter().filter(|key| key.required && !members.contains_key(key.name)) {
        let problem = Problem::new(format!("`{path}` has no `{}`", key.name), origin);
        problems.push(problem.hint(format!("set `{}`: {}", key.name, key.about)));
    }
    (section, problems)
}

/// Finds members whose names differ only in a `_`.
fn named_twice(path: &str, members: &Table) -> Vec<Problem> {
    let names: Vec<&String> = members.keys().collect();
    let repeated = |(index, (name, member)): (usize, (&String, &Setting))| {
        let bare = name.trim_start_matches('_');
        let before = names[..index].iter().find(|other| other.trim_start_matches('_') == bare)?;
        let message = format!("`{path}` has both `{}` and `{}`", escaped(before), escaped(name));
        Some(Problem::new(message, &member.origin).hint("remove one of them"))
    };
    members.iter().enumerate().filter_map(repeated).collect()
}

/// Reads a value that is passed on: anything that JSON can express. A key that begins with `_` is a secret.
fn passed_on(path: &str, name: &str, member: &Setting) -> Result<PassedOn, Problem> {
    let bare = name.trim_start_matches('_');
    if bare != name {
        let source = read::secret(bare, member);
        return source.map(PassedOn::Secret).ok_or_else(|| {
            let message = format!("`{path}.{}` must be {}", escaped(name), Shape::Secret.expectation());
            Problem::new(message, &member.origin)
        });
    }
    if let Value::Other(kind) = member.value {
        let message = format!("`{path}.{}` cannot be passed on: it is {kind}", escaped(name));
        return Err(Problem::new(message, &member.origin));
    }
    Ok(PassedOn::Plain(member.json()))
}

fn checked(path: &str, key: &Key, member: &Setting) -> Result<Checked, Problem> {
    if key.trusted && !member.origin.layer().may_name_programs() {
        let message = format!("`{path}.{}` cannot be set by the {} layer", key.name, member.origin.layer());
        return Err(Problem::new(message, &member.origin).hint("set it in your own config file"));
    }
    if let (Shape::Table(keys), Value::Table(members)) = (key.shape, &member.value) {
        let path = format!("{path}.{}", key.name);
        let (section, problems) = check(&path, members, &member.origin, keys, false);
        return problems.into_iter().next().map_or(Ok(Checked::Table(section)), Err);
    }
    let value = read::read(key.shape, key.name, member).ok_or_else(|| wrong(path, key, member))?;
    match runs_untrusted_program(path, key, member) {
        Some(problem) => Err(problem),
        None => Ok(value),
    }
}

/// Describes a value that does not have its key's shape.
fn wrong(path: &str, key: &Key, member: &Setting) -> Problem {
    let wrong = format!("`{path}.{}` must be {}", key.name, key.shape.expectation());
    let is_of_type = match (key.shape, &member.value) {
        (Shape::Choice(_) | Shape::Duration, Value::Text(_)) => true,
        (Shape::Flags(_) | Shape::Free | Shape::Secrets | Shape::Secret | Shape::Input, Value::Table(_)) => {
            true
        }
        (Shape::Scopes, _) => member.strings().is_some(),
        _ => false,
    };
    let message = if is_of_type { wrong } else { format!("{wrong}, not {}", member.value.type_name()) };
    let mut problem = Problem::new(message, &member.origin);
    if let (Shape::Choice(choices), Some(text)) = (key.shape, member.text())
        && let Some(near) = near(text, choices.iter().copied())
    {
        problem = problem.hint(format!("did you mean \"{near}\"?"));
    }
    let secret = key.is_secret() || matches!(key.shape, Shape::Free | Shape::Secrets | Shape::Input);
    if secret { problem } else { problem.showing_value() }
}

/// A secret reference with `command` runs a program, so a project or the environment may not set one (F-BIND2).
fn runs_untrusted_program(path: &str, key: &Key, member: &Setting) -> Option<Problem> {
    let untrusted = |setting: &Setting| {
        setting.table().is_some_and(|table| table.contains_key("command"))
            && !setting.origin.layer().may_name_programs()
    };
    let mut members = member.table().into_iter().flat_map(|table| table.values());
    let found = match key.shape {
        Shape::Free | Shape::Secrets => members.any(untrusted),
        Shape::Secret | Shape::Input => untrusted(member),
        _ => false,
    };
    found.then(|| {
        let layer = member.origin.layer();
        Problem::new(
            format!("`{path}.{}` cannot run a program from the {layer} layer", key.name),
            &member.origin,
        )
    })
}
