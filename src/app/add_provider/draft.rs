//! A new provider that is not written to the config file yet.

use std::collections::BTreeSet;

use super::start::Start;
use crate::config::edit::{Assignment, find_key};
use crate::config::templates::TemplateQuestion;
use crate::error::Error;
use crate::name::ProviderName;
use crate::secret::SecretText;

pub struct Draft {
    pub name: ProviderName,
    pub keys: Vec<Assignment>,
    /// The secrets to save in the token store, with their config keys.
    pub secrets: Vec<(String, SecretText)>,
}

/// Builds a draft from the command line alone, without asking the user.
///
/// # Errors
/// [`Error::Usage`], which lists every required value that is missing.
pub fn draft(
    start: &Start,
    name: ProviderName,
    given: Vec<Assignment>,
    secrets: Vec<(String, SecretText)>,
) -> Result<Draft, Error> {
    let mut draft = Draft { name, keys: start.keys()?, secrets };
    let open: Vec<TemplateQuestion> = open_questions(start, &given)
        .into_iter()
        .filter(|question| !question.optional && question.default.is_none())
        .collect();
    if !open.is_empty() {
        let kind = start.kind();
        let flag = |question: &TemplateQuestion| {
            let secret = find_key(&question.key, &kind).is_ok_and(|(_, key)| key.is_secret());
            if secret { format!("--secret {}", question.key) } else { format!("--set {}=…", question.key) }
        };
        let lines: Vec<String> =
            open.iter().map(|question| format!("    {:<32} {}", flag(question), question.help)).collect();
        return Err(Error::Usage {
            message: format!("`{}` needs more settings", draft.name),
            hint: Some(format!(
                "add these options, or run this command in a terminal:\n{}",
                lines.join("\n")
            )),
        });
    }
    lay_over(&mut draft.keys, given);
    Ok(draft)
}

/// Returns the template's questions that the given values do not answer.
pub(super) fn open_questions(start: &Start, given: &[Assignment]) -> Vec<TemplateQuestion> {
    let answered: BTreeSet<String> = given.iter().map(|assignment| assignment.path.join(".")).collect();
    start.questions().into_iter().filter(|question| !answered.contains(&question.key)).collect()
}

/// Adds keys and replaces those that already exist.
pub(super) fn lay_over(keys: &mut Vec<Assignment>, given: Vec<Assignment>) {
    for assignment in given {
        keys.retain(|known| known.path != assignment.path);
        keys.push(assignment);
    }
}
