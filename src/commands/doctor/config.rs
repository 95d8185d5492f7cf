//! Checks the configuration: which files exist, their problems, and who can read them.

use super::examination::Examination;
use super::finding::{Finding, Topic};
use crate::config::report;
use crate::config::templates;
use crate::schema::{Layer, Origin, Problem, Setting};
use crate::text::style::{STRONG, styled};
use crate::text::untrusted::escaped;

const TOPIC: Topic = Topic::Config;

pub(super) fn check(examination: &Examination<'_>) -> Vec<Finding> {
    let config = examination.app.config;
    let mut findings = Vec::new();
    let (there, missing): (Vec<_>, Vec<_>) = config.files.iter().partition(|file| file.found);
    for file in there.into_iter().chain(missing) {
        let path = escaped(&file.path.display().to_string());
        findings.push(match file.found {
            true => Finding::ok(TOPIC, path, format!("read ({} layer)", file.layer)),
            false => Finding::ok(TOPIC, path, format!("does not exist ({} layer)", file.layer)),
        });
    }
    if let Err(error) = examination.app.system.paths.folder(crate::ports::Folder::Config) {
        findings.push(Finding::problem(TOPIC, "", error.to_string()).fix("export HOME=…"));
    }
    findings.extend(
        config.profile.iter().map(|profile| Finding::ok(TOPIC, escaped(profile), "selected profile")),
    );
    if let Some(default) = config.default.as_ref().and_then(Setting::text) {
        findings.push(Finding::ok(TOPIC, escaped(default), "default provider"));
    }
    for warning in config.warnings() {
        let finding = Finding::warning(TOPIC, "", &warning.what);
        findings.push(match &warning.command {
            Some(command) => finding.fix(command),
            None => finding,
        });
    }
    let problems = config.all_problems();
    if problems.is_empty() {
        let count = config.credentials.len() as u64;
        let what = format!("{} configured correctly", crate::text::humanize::counted(count, "provider"));
        findings.insert(0, Finding::ok(TOPIC, "", what));
    }
    findings.extend(problems.iter().map(problem_finding));
    for (name, credential) in &config.credentials {
        let template = credential.keys.get("template").and_then(Setting::text);
        if let Some(template) = template.and_then(templates::find) {
            let what = format!("uses the template {} ({})", styled(STRONG, template.name), template.title);
            findings.push(Finding::ok(TOPIC, name.as_str(), what));
        }
    }
    findings
}

/// Formats a problem as `config check` does, without the word `error`.
fn problem_finding(problem: &Problem) -> Finding {
    let shown = Problem { hint: None, ..problem.clone() };
    let rendered = report::render(&shown);
    let excerpt = rendered.split_once('\n').map(|(_, excerpt)| excerpt.to_owned());
    let what = match excerpt {
        Some(excerpt) => format!("{}\n{excerpt}", problem.message),
        None => problem.message.clone(),
    };
    let finding = Finding::problem(TOPIC, place(&problem.origin), what);
    let finding = match problem.origin.layer() {
        Layer::Project => {
            finding.why("a project file may only select and narrow what your own config file defines")
        }
        _ => finding,
    };
    match &problem.hint {
        Some(hint) => finding.fix(hint.trim_end()),
        None => finding.fix("authctl config edit"),
    }
}

fn place(origin: &Origin) -> String {
    match origin {
        Origin::Default => String::new(),
        origin => escaped(&origin.to_string()),
    }
}
