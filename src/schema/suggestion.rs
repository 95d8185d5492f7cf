//! Suggestions for misspelt names.

use super::problem::Problem;
use super::value::Setting;
use crate::text::untrusted::escaped;

/// Returns the problem for an unknown key, with the nearest known key as a hint.
#[must_use]
pub fn unknown<'a>(
    path: &str,
    name: &str,
    setting: &Setting,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Problem {
    let place = if path.is_empty() { String::new() } else { format!(" in `{path}`") };
    let problem = Problem::new(format!("unknown key `{}`{place}", escaped(name)), &setting.origin);
    match near(name.trim_start_matches('_'), known.clone()) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => {
            let known: Vec<&str> = known.collect();
            let one_of = if known.len() == 1 { "" } else { "one of " };
            problem.hint(format!("use {one_of}{}", quoted(&known)))
        }
    }
}

/// Returns the known name that is nearest to a misspelt one, if any is near.
#[must_use]
pub fn near<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Names for a message.
pub(crate) fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
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
