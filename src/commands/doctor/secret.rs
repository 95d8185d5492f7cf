//! The secrets that a provider's configuration names: whether each is there. None is looked at any further.

use super::examination::Examination;
use super::finding::{Finding, Topic};
use super::path;
use crate::config::Provider;
use crate::error::Status;
use crate::os::private_file::{Exposure, exposure};
use crate::os::replaceable;
use crate::os::text_file::read_text;
use crate::schema::SecretSource;
use crate::secret;
use crate::secret_source::{SecretError, outside};
use crate::text::untrusted::escaped;

const TOPIC: Topic = Topic::Provider;

pub(super) fn check(examination: &Examination<'_>, provider: &Provider) -> Vec<Finding> {
    let secrets = examination.app.config.secrets_of(&provider.name);
    secrets.iter().flat_map(|(key, source)| found(examination, provider, key, source)).collect()
}

fn found(
    examination: &Examination<'_>,
    provider: &Provider,
    key: &str,
    source: &SecretSource,
) -> Option<Finding> {
    let system = examination.app.system;
    let name = provider.name.as_str();
    let good = |what: String| Some(Finding::ok(TOPIC, name, format!("{key}: {what}")));
    let wrong = |what: String, mend: String| {
        Some(Finding::problem(TOPIC, name, format!("{key}: {what}")).mend(mend).status(Status::Config))
    };
    match source {
        SecretSource::Literal(_) => good("written in the configuration".to_owned()),
        SecretSource::Environment(variable) => {
            let shown = escaped(variable);
            match system.environment.variable(variable).filter(|value| !value.is_empty()) {
                Some(_) => good(format!("the variable {shown} is set")),
                None => wrong(format!("the variable {shown} is not set"), format!("export {shown}=…")),
            }
        }
        SecretSource::File(path) => {
            let path = system.paths.expand(path);
            let shown = path.display();
            // What is read from a pipe is gone for whoever needs it, or never comes.
            if path.exists() && !path.is_file() {
                return good(format!("{shown} is there (not read: it is no plain file)"));
            }
            match read_text(&path, secret::LONGEST as u64) {
                Err(error) => wrong(
                    format!("the file {shown} cannot be read: {error}"),
                    format!("write the secret into {shown}, or name another file"),
                ),
                Ok(text) if text.trim().is_empty() => {
                    wrong(format!("the file {shown} is empty"), format!("write the secret into {shown}"))
                }
                Ok(_) if exposure(&path) != Exposure::Private => Some(
                    Finding::warning(TOPIC, name, format!("{key}: others can read or change {shown}"))
                        .mend(format!("chmod 600 {shown}")),
                ),
                Ok(_) => good(format!("the file {shown} can be read")),
            }
        }
        SecretSource::Command(command) => {
            let word = command.first().map(String::as_str).unwrap_or_default();
            let shown = escaped(word);
            let Some(program) = path::program(&*system.environment, word) else {
                return wrong(
                    format!("there is no program {shown}"),
                    "install it, or change the configuration".to_owned(),
                );
            };
            if let Some(how) = replaceable::of_program(&program) {
                return wrong(
                    format!("others can replace {}: {how}", program.display()),
                    "move it into a folder that only you or root can write".to_owned(),
                );
            }
            if !examination.run_commands {
                return good(format!("the program {shown} is there (not run without --run-commands)"));
            }
            match outside(system, source) {
                Ok(_) => good(format!("the program {shown} prints it")),
                Err(error) => wrong(
                    crate::ports::console::with_causes(&error),
                    format!("run {shown} by hand, as the configuration has it"),
                ),
            }
        }
        SecretSource::Stored(_)
            if !examination.store_works() && !examination.app.config.opens_store(&provider.name) =>
        {
            None
        }
        SecretSource::Stored(_) => {
            let binding = provider.source.binding();
            let session = examination.app.session(&provider.name);
            match session.context(&provider.name).secrets(&binding).resolve(source) {
                Ok(_) => good("kept in the token store".to_owned()),
                // The store's own topic says so.
                Err(SecretError::Store(_)) => None,
                Err(error) => wrong(error.to_string(), format!("authctl secret set {name} {key}")),
            }
        }
    }
}
