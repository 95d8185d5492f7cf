//! Checks whether each configured secret exists, without using it.

use std::fmt::Display;
use std::path::Path;

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
use crate::text::causes::with_causes;
use crate::text::untrusted::escaped;

const TOPIC: Topic = Topic::Provider;

pub(super) fn check(examination: &Examination<'_>, provider: &Provider) -> Vec<Finding> {
    let secrets = examination.app.config.secrets_of(&provider.name);
    let check = |(key, source): &(&str, SecretSource)| {
        let check = SecretCheck { examination, provider, key };
        match source {
            SecretSource::Literal(_) => Some(check.good("set in the config file")),
            SecretSource::Environment(variable) => Some(check.variable(variable)),
            SecretSource::File(path) => Some(check.file(path)),
            SecretSource::Command(command) => Some(check.command(command, source)),
            SecretSource::Stored(_) => check.stored(source),
        }
    };
    secrets.iter().filter_map(check).collect()
}

struct SecretCheck<'a> {
    examination: &'a Examination<'a>,
    provider: &'a Provider,
    key: &'a str,
}

impl SecretCheck<'_> {
    fn good(&self, what: impl Display) -> Finding {
        Finding::ok(TOPIC, self.provider.name.as_str(), format!("{}: {what}", self.key))
    }

    fn wrong(&self, what: impl Display, fix: impl Into<String>) -> Finding {
        Finding::problem(TOPIC, self.provider.name.as_str(), format!("{}: {what}", self.key))
            .fix(fix)
            .status(Status::Config)
    }

    fn variable(&self, variable: &str) -> Finding {
        let shown = escaped(variable);
        match self.examination.app.system.environment.variable(variable).filter(|value| !value.is_empty()) {
            Some(_) => self.good(format_args!("the variable {shown} is set")),
            None => self.wrong(format_args!("the variable {shown} is not set"), format!("export {shown}=…")),
        }
    }

    fn file(&self, path: &Path) -> Finding {
        let path = self.examination.app.system.paths.expand(path);
        let shown = path.display();
        // Reading a pipe would consume the secret, or block.
        if path.exists() && !path.is_file() {
            return self.good(format_args!("{shown} exists (not read: it is not a regular file)"));
        }
        match read_text(&path, secret::LONGEST as u64) {
            Err(error) => self.wrong(
                format_args!("cannot read the file {shown}: {error}"),
                format!("write the secret to {shown}, or set another file"),
            ),
            Ok(text) if text.trim().is_empty() => {
                self.wrong(format_args!("the file {shown} is empty"), format!("write the secret to {shown}"))
            }
            Ok(_) if exposure(&path) != Exposure::Private => {
                let what = format!("{}: others can read or change {shown}", self.key);
                Finding::warning(TOPIC, self.provider.name.as_str(), what).fix(format!("chmod 600 {shown}"))
            }
            Ok(_) => self.good(format_args!("the file {shown} is readable")),
        }
    }

    fn command(&self, command: &[String], source: &SecretSource) -> Finding {
        let system = self.examination.app.system;
        let word = command.first().map(String::as_str).unwrap_or_default();
        let shown = escaped(word);
        let Some(program) = path::program(&*system.environment, word) else {
            let fix = "install it, or change the config file";
            return self.wrong(format_args!("the program {shown} does not exist"), fix);
        };
        if let Some(how) = replaceable::of_program(&program) {
            let fix = "move it to a folder that only you or root can write to";
            return self.wrong(format_args!("others can replace {}: {how}", program.display()), fix);
        }
        if !self.examination.run_commands {
            return self.good(format_args!("the program {shown} exists (not run without --run-commands)"));
        }
        match outside(system, source) {
            Ok(_) => self.good(format_args!("the program {shown} prints the secret")),
            Err(error) => {
                self.wrong(with_causes(&error), format!("run the configured command {shown} by hand"))
            }
        }
    }

    /// Returns nothing if the store is unavailable, which is another topic's finding.
    fn stored(&self, source: &SecretSource) -> Option<Finding> {
        let (app, name) = (self.examination.app, &self.provider.name);
        if !self.examination.store_works() && !app.config.opens_store(name) {
            return None;
        }
        let binding = self.provider.source.binding();
        match app.session(name).context(name).secrets(&binding).resolve(source) {
            Ok(_) => Some(self.good("stored in the token store")),
            Err(SecretError::Store(_)) => None,
            Err(error) => Some(self.wrong(error, format!("authctl secret set {name} {}", self.key))),
        }
    }
}
