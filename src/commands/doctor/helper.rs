//! The programs that authctl is set up in: whether they still find it, and whether it still knows whom they ask for.

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
        installed(app).iter().flat_map(|installed| judged(examination, installed)).collect();
    if !findings.iter().any(|finding| finding.topic == TOPIC) {
        findings.push(Finding::ok(TOPIC, "", "authctl is set up in no other program"));
    }
    findings
}

fn judged(examination: &Examination<'_>, installed: &Installed) -> Vec<Finding> {
    let subject = match &installed.target {
        Target::Host(host) => format!("{}: {}", installed.helper, escaped(host)),
        Target::Provider(name) => format!("{}: {}", installed.helper, escaped(name)),
        Target::Any => installed.helper.to_owned(),
    };
    let checks = [not_found, unserved, not_first];
    let found: Vec<Finding> =
        checks.iter().filter_map(|check| check(examination, installed, &subject)).collect();
    if found.is_empty() {
        return vec![Finding::ok(TOPIC, subject, format!("is set up in {}", installed.place))];
    }
    found
}

fn write_again(installed: &Installed) -> String {
    format!("authctl helper {} --write", installed.helper)
}

/// The other program does not find authctl.
fn not_found(examination: &Examination<'_>, installed: &Installed, subject: &str) -> Option<Finding> {
    let word = installed.program.as_ref()?;
    let shown = escaped(word);
    let what = match path::program(&*examination.app.system.environment, word) {
        None if Path::new(word).is_absolute() => {
            format!("{} calls {shown}, which is not there", installed.helper)
        }
        None => format!("{} calls `{shown}`, which is not on PATH", installed.helper),
        Some(found) if installed.by_name && !is_ours(examination, &found) => {
            let what = format!("another program is called `{shown}`: {}", found.display());
            return Some(
                Finding::warning(TOPIC, subject, what)
                    .why("it comes first on PATH")
                    .mend("put the folder of authctl's link before it on PATH"),
            );
        }
        Some(_) => return None,
    };
    Some(
        Finding::problem(TOPIC, subject, what)
            .why(format!("it is written in {}", installed.place))
            .mend(write_again(installed)),
    )
}

/// The other program asks for what no provider serves.
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
            .why(format!("{} asks authctl for it, as {} says", installed.helper, installed.place))
            .mend(format!("add it to `hosts` of a provider; or take it out of {}", installed.place)),
    )
}

/// The other program asks another helper first.
fn not_first(_: &Examination<'_>, installed: &Installed, subject: &str) -> Option<Finding> {
    let other = installed.after.as_ref()?;
    let what = format!("{} asks {} first", installed.helper, escaped(other));
    Some(
        Finding::warning(TOPIC, subject, what)
            .why("it answers before authctl, and is told authctl's tokens to keep")
            .mend(write_again(installed)),
    )
}

fn is_ours(examination: &Examination<'_>, found: &Path) -> bool {
    let this = examination.app.system.environment.program();
    found.canonicalize().is_ok_and(|target| {
        target.file_stem().is_some_and(|name| name == "authctl")
            || this.and_then(|this| this.canonicalize().ok()).is_some_and(|this| this == target)
    })
}
