//! Checks the browser: which one opens, whether the user can see it, and whether another user could have replaced it.

use std::path::Path;

use super::examination::Examination;
use super::finding::{Finding, Topic};
use super::path;
use crate::os::replaceable;
use crate::schema::Setting;
use crate::text::untrusted::escaped;

const TOPIC: Topic = Topic::Browser;
/// The programs that open the user's browser on a desktop, in the order in which authctl tries them.
const OPENERS: &[&str] = if cfg!(target_os = "macos") {
    &["open"]
} else {
    &["xdg-open", "gio", "gnome-open", "kde-open", "x-www-browser"]
};
/// How to log in without a visible browser.
const WITHOUT: &str = "authctl login --no-browser prints the URL for a browser elsewhere; authctl login --device uses a code, if the provider supports it";

pub(super) fn check(examination: &Examination<'_>) -> Vec<Finding> {
    let system = examination.app.system;
    let environment = &*system.environment;
    let variable = |name: &str| environment.variable(name).filter(|value| !value.is_empty());
    let configured = examination.app.config.browser.as_ref().and_then(Setting::text);
    let mut findings = Vec::new();
    let named = configured
        .map(|command| ("the key `browser`", command.to_owned()))
        .or_else(|| variable("BROWSER").map(|command| ("the variable BROWSER", command)));
    // BROWSER may list several programs; the first one that exists is used.
    let program = match &named {
        Some((source, commands)) => {
            let separator = if *source == "the variable BROWSER" { ':' } else { '\n' };
            let words = commands.split(separator).filter_map(|command| command.split_whitespace().next());
            let words: Vec<&str> = words.collect();
            let found = words.iter().find_map(|word| path::program(environment, word));
            if found.is_none() {
                let word = escaped(words.first().copied().unwrap_or_default());
                findings.push(
                    Finding::problem(TOPIC, word, format!("{source} names a program that does not exist"))
                        .why("logins cannot open a browser and only print the URL")
                        .fix(format!("change {source}, or: authctl login --browser PROGRAM")),
                );
            }
            found
        }
        None if cfg!(windows) => None,
        None => OPENERS.iter().find_map(|opener| path::program(environment, opener)),
    };
    findings.extend(program.as_deref().and_then(replaceable_program));
    let seen = configured.is_some() || system.browser.can_be_seen();
    match (seen, &program) {
        (false, _) => findings
            .push(Finding::note(TOPIC, "", "no browser is available").why(hidden(examination)).fix(WITHOUT)),
        (true, None) if named.is_none() && !cfg!(windows) => findings.push(
            Finding::warning(TOPIC, "", "no program that opens a browser was found")
                .why(format!("none of {} is on PATH", OPENERS.join(", ")))
                .fix(WITHOUT),
        ),
        (true, Some(program)) => {
            let source = named.map_or_else(String::new, |(source, _)| format!(", from {source}"));
            findings.push(Finding::ok(TOPIC, program.display().to_string(), format!("opens{source}")));
        }
        (true, None) => {}
    }
    findings
}

fn replaceable_program(program: &Path) -> Option<Finding> {
    let how = replaceable::of_program(program)?;
    let what = "others can replace the program that opens the browser";
    Some(
        Finding::problem(TOPIC, program.display().to_string(), what)
            .why(format!("authctl does not start it: {how}"))
            .fix("authctl login --no-browser; or remove its folder from PATH"),
    )
}

/// Why the user would not see a browser.
fn hidden(examination: &Examination<'_>) -> String {
    let environment = &examination.app.system.environment;
    let set = |name: &str| environment.variable(name).is_some_and(|value| !value.is_empty());
    let container = ["/.dockerenv", "/run/.containerenv"].iter().any(|mark| Path::new(mark).exists());
    let reason = if set("SSH_CONNECTION") || set("SSH_TTY") {
        "this is a session over SSH"
    } else if container || set("KUBERNETES_SERVICE_HOST") {
        "this is a container"
    } else {
        "no display is available: neither DISPLAY nor WAYLAND_DISPLAY is set"
    };
    format!("{reason}, and BROWSER is not set")
}
