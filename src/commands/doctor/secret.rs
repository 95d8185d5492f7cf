//! The secrets that a provider's configuration names: whether each is there. None is looked at any further.

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
            SecretSource::Literal(_) => Some(check.good("written in the configuration")),
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

    fn wrong(&self, what: impl Display, mend: impl Into<String>) -> Finding {
        Finding::problem(TOPIC, self.provider.name.as_str(), format!("{}: {what}", self.key))
            .mend(mend)
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
        // What is read from a pipe is gone for whoever needs it, or never comes.
        if path.exists() && !path.is_file() {
            return self.good(format_args!("{shown} is there (not read: it is no plain file)"));
        }
        match read_text(&path, secret::LONGEST as u64) {
            Err(error) => self.wrong(
                format_args!("the file {shown} cannot be read: {error}"),
                format!("write the secret into {shown}, or name another file"),
            ),
            Ok(text) if text.trim().is_empty() => self
                .wrong(format_args!("the file {shown} is empty"), format!("write the secret into {shown}")),
            Ok(_) if exposure(&path) != Exposure::Private => {
                let what = format!("{}: others can read or change {shown}", self.key);
                Finding::warning(TOPIC, self.provider.name.as_str(), what).mend(format!("chmod 600 {shown}"))
            }
            Ok(_) => self.good(format_args!("the file {shown} can be read")),
        }
    }

    fn command(&self, command: &[String], source: &SecretSource) -> Finding {
        let system = self.examination.app.system;
        let word = command.first().map(String::as_str).unwrap_or_default();
        let shown = escaped(word);
        let Some(program) = path::program(&*system.environment, word) else {
            let mend = "install it, or change the configuration";
            return self.wrong(format_args!("there is no program {shown}"), mend);
        };
        if let Some(how) = replaceable::of_program(&program) {
            let mend = "move it into a folder that only you or root can write";
            return self.wrong(format_args!("others can replace {}: {how}", program.display()), mend);
        }
        if !self.examination.run_commands {
            return self.good(format_args!("the program {shown} is there (not run without --run-commands)"));
        }
        match outside(system, source) {
            Ok(_) => self.good(format_args!("the program {shown} prints it")),
            Err(error) => {
                self.wrong(with_causes(&error), format!("run {shown} by hand, as the configuration has it"))
            }
        }
    }

    /// Nothing where the store cannot be used: its own topic says so.
    fn stored(&self, source: &SecretSource) -> Option<Finding> {
        let (app, name) = (self.examination.app, &self.provider.name);
        if !self.examination.store_works() && !app.config.opens_store(name) {
            return None;
        }
        let binding = self.provider.source.binding();
        match app.session(name).context(name).secrets(&binding).resolve(source) {
            Ok(_) => Some(self.good("kept in the token store")),
            Err(SecretError::Store(_)) => None,
            Err(error) => Some(self.wrong(error, format!("authctl secret set {name} {}", self.key))),
        }
    }
}
