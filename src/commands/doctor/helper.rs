//! Checks the programs that are configured to use authctl: whether they find it, and whether a provider serves them.

use std::path::Path;

use url::Url;

use super::examination::Examination;
use super::finding::{Finding, Topic};
use super::path;
use crate::app::App;
use crate::app::installed::{Installed, Target};
use crate::oauth::endpoint::host_url;
use crate::text::untrusted::escaped;

const TOPIC: Topic = Topic::Helper;

pub(super) fn check(
    examination: &Examination<'_>,
    installed: fn(&App<'_>) -> Vec<Installed>,
) -> Vec<Finding> {
    let app = examination.app;
    let mut findings: Vec<Finding> =
        installed(app).iter().flat_map(|installed| check_one(examination, installed)).collect();
    if !findings.iter().any(|finding| finding.topic == TOPIC) {
        findings.push(Finding::ok(TOPIC, "", "no other program is configured to use authctl"));
    }
    findings
}

fn check_one(examination: &Examination<'_>, installed: &Installed) -> Vec<Finding> {
    let subject = match &installed.target {
        Target::Host(host) => format!("{}: {}", installed.helper, escaped(host)),
        Target::Provider(name) => format!("{}: {}", installed.helper, escaped(name)),
        Target::Any => installed.helper.to_owned(),
    };
    let checks = [not_found, unserved, not_first];
    let found: Vec<Finding> =
        checks.iter().filter_map(|check| check(examination, installed, &subject)).collect();
    if found.is_empty() {
        return vec![Finding::ok(TOPIC, subject, format!("configured in {}", installed.place))];
    }
    found
}

fn write_again(installed: &Installed) -> String {
    format!("authctl helper {} --write", installed.helper)
}

/// Reports a program that does not find authctl.
fn not_found(examination: &Examination<'_>, installed: &Installed, subject: &str) -> Option<Finding> {
    let word = installed.program.as_ref()?;
    let shown = escaped(word);
    let what = match path::program(&*examination.app.system.environment, word) {
        None if Path::new(word).is_absolute() => {
            format!("{} runs {shown}, which does not exist", installed.helper)
        }
        None => format!("{} runs `{shown}`, which is not on PATH", installed.helper),
        Some(found) if installed.by_name && !is_ours(examination, &found) => {
            let what = format!("another program has the name `{shown}`: {}", found.display());
            return Some(
                Finding::warning(TOPIC, subject, what)
                    .why("it comes first on PATH")
                    .fix("put the folder with authctl's link first on PATH"),
            );
        }
        Some(_) => return None,
    };
    Some(
        Finding::problem(TOPIC, subject, what)
            .why(format!("it is configured in {}", installed.place))
            .fix(write_again(installed)),
    )
}

/// Reports a program that asks for a host or provider that does not exist.
fn unserved(examination: &Examination<'_>, installed: &Installed, subject: &str) -> Option<Finding> {
    let config = examination.app.config;
    let what = match &installed.target {
        Target::Any => return None,
        Target::Provider(name) => {
            let known = config.credentials.keys().any(|known| known.as_str() == name);
            (!known).then(|| format!("the provider `{}` is not configured", escaped(name)))?
        }
        Target::Host(host) => {
            let urls: Vec<Url> =
                ["https", "http"].iter().filter_map(|scheme| host_url(scheme, host).ok()).collect();
            let mut providers = config.credentials.keys().filter_map(|name| config.provider(name).ok());
            let served = providers.any(|provider| urls.iter().any(|url| provider.serves(url)));
            (!served).then(|| format!("no provider has the host {}", escaped(host)))?
        }
    };
    Some(
        Finding::warning(TOPIC, subject, what)
            .why(format!("{} asks authctl for it, as configured in {}", installed.helper, installed.place))
            .fix(format!("add it to a provider's `hosts`, or remove it from {}", installed.place)),
    )
}

/// Reports a program that asks another helper first.
fn not_first(_: &Examination<'_>, installed: &Installed, subject: &str) -> Option<Finding> {
    let other = installed.after.as_ref()?;
    let what = format!("{} asks {} first", installed.helper, escaped(other));
    Some(
        Finding::warning(TOPIC, subject, what)
            .why("it answers before authctl, and receives authctl's tokens to store")
            .fix(write_again(installed)),
    )
}

fn is_ours(examination: &Examination<'_>, found: &Path) -> bool {
    let this = examination.app.system.environment.program();
    found.canonicalize().is_ok_and(|target| {
        target.file_stem().is_some_and(|name| name == "authctl")
            || this.and_then(|this| this.canonicalize().ok()).is_some_and(|this| this == target)
    })
}
