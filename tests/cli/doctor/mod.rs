//! `authctl doctor`: it finds each problem and nothing else.

mod helper;
mod provider;
mod report;
mod setup;
mod store;
mod way;

use std::io;
use std::sync::Arc;

use authctl::ports::{
    Ended, InheritedFile, Launch, LaunchError, OutputFilter, ProcessError, Processes, Program,
};
use authctl::secret::SecretText;
use serde_json::Value;

use crate::support::Sandbox;
use crate::support::sandbox::set_mode;

const CONFIG: &str =
    "store = \"file\"\n[credentials.x]\ndomain = \"x.example\"\njwt = { env = \"SECRET\" }\n";

/// Other programs' output, by the beginning of their commands.
#[derive(Default)]
struct Programs(Vec<(&'static str, String)>);

impl Processes for Programs {
    fn output(&self, program: &Program<'_>) -> Result<SecretText, ProcessError> {
        let command = program.command.join(" ");
        let found = self.0.iter().find(|(start, _)| command.starts_with(start));
        found.map(|(_, text)| SecretText::new(text.as_str())).ok_or_else(|| ProcessError::NotStarted {
            program: command,
            reason: "this story has none".to_owned(),
        })
    }

    fn interact(&self, _: &Program<'_>) -> Result<(), ProcessError> {
        panic!("nobody is there to talk with");
    }

    fn parent(&self) -> Option<String> {
        None
    }

    fn run(&self, _: &Launch<'_>, _: Option<OutputFilter<'_>>) -> Result<Ended, LaunchError> {
        panic!("a diagnosis runs nobody's programs");
    }

    fn replace(&self, _: &Launch<'_>) -> Result<Ended, LaunchError> {
        panic!("a diagnosis runs nobody's programs");
    }

    fn inherited_text(&self, _: &SecretText) -> io::Result<Box<dyn InheritedFile>> {
        panic!("a diagnosis hands over nothing");
    }

    fn inherited_output(&self) -> io::Result<Box<dyn InheritedFile>> {
        panic!("a diagnosis hands over nothing");
    }
}

/// A home in which nothing is wrong: with a browser, and no other programs.
fn home(config: &str) -> Sandbox {
    let mut sandbox = Sandbox::new(config);
    sandbox.system.processes = Arc::new(Programs::default());
    let bin = sandbox.path("bin");
    program(&sandbox, "bin/xdg-open");
    sandbox.environment.set("PATH", &bin.display().to_string());
    sandbox.environment.set("SECRET", "canary-jwt");
    sandbox
}

fn program(sandbox: &Sandbox, path: &str) {
    set_mode(&sandbox.write(path, "#!/bin/sh\n"), 0o755);
    set_mode(sandbox.path(path).parent().unwrap(), 0o755);
}

/// The exit status and all findings.
fn examine(sandbox: &Sandbox, arguments: &[&str]) -> (u8, Vec<Value>) {
    let output = sandbox.run(&[&["doctor", "--json"], arguments].concat());
    let report: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output}"));
    (output.status, report["findings"].as_array().unwrap().clone())
}

fn text<'a>(finding: &'a Value, member: &str) -> &'a str {
    finding[member].as_str().unwrap_or_default()
}

/// Only the problems and warnings.
fn wrong(findings: &[Value]) -> Vec<&Value> {
    findings.iter().filter(|finding| ["warning", "problem"].contains(&text(finding, "severity"))).collect()
}

/// An expected finding: the topic, the severity, the problem and the fix.
type Want = (&'static str, &'static str, &'static str, &'static str);

#[track_caller]
fn finds(name: &str, sandbox: &Sandbox, arguments: &[&str], status: u8, want: Want) {
    let (found_status, findings) = examine(sandbox, arguments);
    let listed = serde_json::to_string_pretty(&findings).unwrap();
    let (topic, severity, what, fix) = want;
    let found = if severity == "note" {
        findings
            .iter()
            .filter(|finding| text(finding, "severity") == "note" && text(finding, "topic") == topic)
            .collect()
    } else {
        wrong(&findings)
    };
    assert_eq!(found.len(), 1, "{name}: {listed}");
    let found = found[0];
    assert_eq!((text(found, "topic"), text(found, "severity")), (topic, severity), "{name}: {listed}");
    let said = format!("{}: {}", text(found, "subject"), text(found, "what"));
    assert!(said.contains(what), "{name}: {listed}");
    assert!(text(found, "fix").contains(fix), "{name}: {listed}");
    assert_eq!(found_status, status, "{name}: {listed}");
    assert!(!listed.contains("canary"), "{name}: {listed}");
    assert!(!listed.contains(&sandbox.path("").display().to_string()), "{name}: {listed}");
}
