//! This program: which one it is, whether another is meant by its name, and whether its memory stays its own.

use std::time::Duration;

use super::examination::Examination;
use super::finding::{Finding, Topic};
use super::path;
use crate::os::replaceable;
use crate::ports::Program;
use crate::text::untrusted::escaped;

const TOPIC: Topic = Topic::Program;
/// A program that cannot tell its version by then is none of ours.
const DEADLINE: Duration = Duration::from_secs(5);

pub(super) fn check(examination: &Examination<'_>) -> Vec<Finding> {
    let system = examination.app.system;
    let environment = &*system.environment;
    let version = env!("CARGO_PKG_VERSION");
    let platform = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    let mut findings = vec![Finding::ok(TOPIC, "", format!("authctl {version}, {platform}"))];
    let on_path = path::all(environment, "authctl");
    match (environment.program(), on_path.first()) {
        (None, _) => findings.push(Finding::warning(TOPIC, "", "this program's own path is not known")),
        (Some(this), None) => findings.push(
            Finding::note(TOPIC, this.display().to_string(), "it is not on PATH")
                .why("other programs that are set up call it by its full path")
                .mend("link it into a folder of PATH, such as ~/.local/bin"),
        ),
        (Some(this), Some(first)) if same(&this, first) => {
            findings.push(Finding::ok(TOPIC, first.display().to_string(), "it is the one on PATH"));
        }
        (Some(this), Some(first)) => findings.push(
            Finding::warning(TOPIC, first.display().to_string(), "another authctl comes first on PATH")
                .why(format!("this one is {}{}", this.display(), other_version(examination, first, version)))
                .mend("remove one of them, or change their order on PATH"),
        ),
    }
    for found in &on_path {
        if let Some(how) = replaceable::of_program(found) {
            findings.push(
                Finding::warning(TOPIC, found.display().to_string(), "others can replace this program")
                    .why(how.to_string())
                    .mend("keep it in a folder that only you or root can write"),
            );
        }
    }
    if path::relative_parts(environment) {
        findings.push(
            Finding::warning(TOPIC, "PATH", "it has an empty or a relative part")
                .why("programs would be found in the working folder; authctl passes such parts over")
                .mend("take them out of PATH"),
        );
    }
    match system.machine.leaves_core_files() {
        Some(true) => findings.push(
            Finding::warning(TOPIC, "", "a crash would leave its memory in a file")
                .why("the system did not let it forbid that")
                .mend("ulimit -c 0"),
        ),
        Some(false) => findings.push(Finding::ok(TOPIC, "", "a crash leaves no core file")),
        None => {}
    }
    findings
}

fn same(one: &std::path::Path, other: &std::path::Path) -> bool {
    one == other || one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

/// What the other one says that it is, where that is something else.
fn other_version(examination: &Examination<'_>, other: &std::path::Path, ours: &str) -> String {
    let system = examination.app.system;
    let withheld = examination.app.config.secret_variables();
    let command = [other.display().to_string(), "--version".to_owned()];
    let program = Program { command: &command, timeout: DEADLINE, withheld: &withheld, input: None };
    match system.processes.output(&program) {
        Ok(text) if text.expose().trim() == format!("authctl {ours}") => String::new(),
        Ok(text) => {
            format!("; that one says `{}`", escaped(text.expose().lines().next().unwrap_or_default()))
        }
        Err(_) => "; that one does not say its version".to_owned(),
    }
}
