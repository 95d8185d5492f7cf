//! Checks the program: its version, whether another authctl comes first on PATH, and whether its memory stays private.

use std::time::Duration;

use super::examination::Examination;
use super::finding::{Finding, Topic};
use super::path;
use crate::os::replaceable;
use crate::ports::Program;
use crate::text::untrusted::escaped;

const TOPIC: Topic = Topic::Program;
/// A program that takes longer to print its version is not authctl.
const DEADLINE: Duration = Duration::from_secs(5);

pub(super) fn check(examination: &Examination<'_>) -> Vec<Finding> {
    let system = examination.app.system;
    let environment = &*system.environment;
    let version = env!("CARGO_PKG_VERSION");
    let platform = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    let mut findings = vec![Finding::ok(TOPIC, "", format!("authctl {version}, {platform}"))];
    let on_path = path::all(environment, "authctl");
    match (environment.program(), on_path.first()) {
        (None, _) => findings.push(Finding::warning(TOPIC, "", "cannot find this program's own path")),
        (Some(this), None) => findings.push(
            Finding::note(TOPIC, this.display().to_string(), "not on PATH")
                .why("other programs are configured to run authctl by its full path")
                .fix("link it into a folder on PATH, such as ~/.local/bin"),
        ),
        (Some(this), Some(first)) if same(&this, first) => {
            findings.push(Finding::ok(TOPIC, first.display().to_string(), "first on PATH"));
        }
        (Some(this), Some(first)) => findings.push(
            Finding::warning(TOPIC, first.display().to_string(), "another authctl comes first on PATH")
                .why(format!("this one is {}{}", this.display(), other_version(examination, first, version)))
                .fix("remove one of them, or change their order on PATH"),
        ),
    }
    for found in &on_path {
        if let Some(how) = replaceable::of_program(found) {
            findings.push(
                Finding::warning(TOPIC, found.display().to_string(), "others can replace this program")
                    .why(how.to_string())
                    .fix("move it to a folder that only you or root can write to"),
            );
        }
    }
    if path::has_relative_parts(environment) {
        findings.push(
            Finding::warning(TOPIC, "PATH", "contains an empty or relative entry")
                .why("other programs would search the working folder; authctl skips such entries")
                .fix("remove these entries from PATH"),
        );
    }
    match system.machine.leaves_core_files() {
        Some(true) => findings.push(
            Finding::warning(TOPIC, "", "a crash would write authctl's memory to a file")
                .why("the system did not allow authctl to disable core files")
                .fix("ulimit -c 0"),
        ),
        Some(false) => findings.push(Finding::ok(TOPIC, "", "a crash leaves no core file")),
        None => {}
    }
    findings
}

fn same(one: &std::path::Path, other: &std::path::Path) -> bool {
    one == other || one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

/// Describes the other program's version if it differs.
fn other_version(examination: &Examination<'_>, other: &std::path::Path, ours: &str) -> String {
    let system = examination.app.system;
    let withheld = examination.app.config.secret_variables();
    let command = [other.display().to_string(), "--version".to_owned()];
    let program = Program { command: &command, timeout: DEADLINE, withheld: &withheld, input: None };
    match system.processes.output(&program) {
        Ok(text) if text.expose().trim() == format!("authctl {ours}") => String::new(),
        Ok(text) => {
            format!("; the other reports `{}`", escaped(text.expose().lines().next().unwrap_or_default()))
        }
        Err(_) => "; the other does not report its version".to_owned(),
    }
}
