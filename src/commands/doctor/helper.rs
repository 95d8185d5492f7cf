//! The programs that authctl is set up in: whether they still find it, and whether it still knows whom they ask for.

use std::path::Path;

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
    let again = format!("authctl helper {} --write", installed.helper);
    let subject = match &installed.target {
        Target::Host(host) => format!("{}: {}", installed.helper, escaped(host)),
        Target::Provider(name) => format!("{}: {}", installed.helper, escaped(name)),
        Target::Any => installed.helper.to_owned(),
    };
    let mut findings = Vec::new();
    let environment = &*examination.app.system.environment;
    if let Some(word) = &installed.program {
        let shown = escaped(word);
        match path::program(environment, word) {
            None if Path::new(word).is_absolute() => findings.push(
                Finding::problem(
                    TOPIC,
                    subject.clone(),
                    format!("{} calls {shown}, which is not there", installed.helper),
                )
                .why(format!("it is written in {}", installed.place))
                .mend(again.clone()),
            ),
            None => findings.push(
                Finding::problem(
                    TOPIC,
                    subject.clone(),
                    format!("{} calls `{shown}`, which is not on PATH", installed.helper),
                )
                .why(format!("it is written in {}", installed.place))
                .mend(again.clone()),
            ),
            Some(found) if installed.by_name && !is_ours(examination, &found) => findings.push(
                Finding::warning(
                    TOPIC,
                    subject.clone(),
                    format!("another program is called `{shown}`: {}", found.display()),
                )
                .why("it comes first on PATH")
                .mend("put the folder of authctl's link before it on PATH"),
            ),
            Some(_) => {}
        }
    }
    let config = examination.app.config;
    let unserved = match &installed.target {
        Target::Any => None,
        Target::Provider(name) => {
            let known = config.credentials.keys().any(|known| known.as_str() == name);
            (!known).then(|| format!("the provider `{}` is not configured", escaped(name)))
        }
        Target::Host(host) => {
            let served =
                config.credentials.keys().filter_map(|name| config.provider(name).ok()).any(|provider| {
                    ["https", "http"]
                        .iter()
                        .any(|scheme| host_url(scheme, host).is_ok_and(|url| provider.serves(&url)))
                });
            (!served).then(|| format!("no provider has the host {}", escaped(host)))
        }
    };
    if let Some(what) = unserved {
        findings.push(
            Finding::warning(TOPIC, subject.clone(), what)
                .why(format!("{} asks authctl for it, as {} says", installed.helper, installed.place))
                .mend(format!("add it to `hosts` of a provider; or take it out of {}", installed.place)),
        );
    }
    if let Some(other) = &installed.after {
        findings.push(
            Finding::warning(
                TOPIC,
                subject.clone(),
                format!("{} asks {} first", installed.helper, escaped(other)),
            )
            .why("it answers before authctl, and is told authctl's tokens to keep")
            .mend(again),
        );
    }
    if findings.is_empty() {
        findings.push(Finding::ok(TOPIC, subject, format!("is set up in {}", installed.place)));
    }
    findings
}

fn is_ours(examination: &Examination<'_>, found: &Path) -> bool {
    let this = examination.app.system.environment.program();
    found.canonicalize().is_ok_and(|target| {
        target.file_stem().is_some_and(|name| name == "authctl")
            || this.and_then(|this| this.canonicalize().ok()).is_some_and(|this| this == target)
    })
}
