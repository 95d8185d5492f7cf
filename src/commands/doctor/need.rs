//! Checks what a kind's tokens come from: programs, and variables and files that the platform provides.

use super::examination::Examination;
use super::finding::{Finding, Topic};
use super::path;
use crate::config::Provider;
use crate::error::Status;
use crate::os::replaceable;
use crate::provider::Requirement;
use crate::text::untrusted::escaped;

const TOPIC: Topic = Topic::Provider;

pub(super) fn check(examination: &Examination<'_>, provider: &Provider) -> Vec<Finding> {
    provider
        .source
        .requirements()
        .iter()
        .map(|need| found(examination, provider.name.as_str(), need))
        .collect()
}

fn found(examination: &Examination<'_>, name: &str, need: &Requirement) -> Finding {
    let system = examination.app.system;
    match need {
        Requirement::Program(word) => {
            let shown = escaped(word);
            let program = path::program(&*system.environment, word);
            let how = program.as_deref().and_then(replaceable::of_program);
            match program {
                None => Finding::problem(TOPIC, name, format!("the program {shown} does not exist"))
                    .why("its tokens come from this program")
                    .fix("install it, or change the config file")
                    .status(Status::Config),
                Some(program) if let Some(how) = how => {
                    Finding::problem(TOPIC, name, format!("others can replace {}", program.display()))
                        .why(format!("authctl does not run it: {how}"))
                        .fix("move it to a folder that only you or root can write to")
                        .status(Status::Config)
                }
                Some(program) => Finding::ok(TOPIC, name, format!("found {}", program.display())),
            }
        }
        Requirement::Variable(variable) => {
            let shown = escaped(variable);
            match system.environment.variable(variable).filter(|value| !value.trim().is_empty()) {
                Some(_) => Finding::ok(TOPIC, name, format!("the platform sets {shown}")),
                None => Finding::warning(TOPIC, name, format!("the platform does not set {shown}"))
                    .why("its tokens come from the platform")
                    .fix("run authctl on a platform that sets it"),
            }
        }
        Requirement::File(path) => {
            let path = system.paths.expand(path);
            let shown = path.display();
            if path.exists() {
                Finding::ok(TOPIC, name, format!("the platform provides {shown}"))
            } else {
                Finding::warning(TOPIC, name, format!("the platform does not provide {shown}"))
                    .why("its tokens come from the platform")
                    .fix("run authctl on a platform that provides it, or change the config file")
            }
        }
    }
}
