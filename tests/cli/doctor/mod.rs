//! `authctl doctor`: each broken situation is found, and nothing else.

mod helper;
mod provider;
mod store;
mod way;

use std::io;
use std::sync::Arc;

use authctl::ports::{
    Ended, InheritedFile, Launch, LaunchError, OutputFilter, ProcessError, Processes, Program,
};
use authctl::secret::SecretText;
use serde_json::{Value, json};

use crate::support::http::Reply;
use crate::support::sandbox::{server_config, set_mode};
use crate::support::{AuthorizationServer, Sandbox};

const CONFIG: &str =
    "store = \"file\"\n[credentials.x]\ndomain = \"x.example\"\njwt = { env = \"SECRET\" }\n";

/// What other programs print, by how their commands begin.
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

/// What is found: the exit status, and each finding.
fn examine(sandbox: &Sandbox, arguments: &[&str]) -> (u8, Vec<Value>) {
    let output = sandbox.run(&[&["doctor", "--json"], arguments].concat());
    let report: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output}"));
    (output.status, report["findings"].as_array().unwrap().clone())
}

fn text<'a>(finding: &'a Value, member: &str) -> &'a str {
    finding[member].as_str().unwrap_or_default()
}

/// What is wrong, and nothing else.
fn wrong(findings: &[Value]) -> Vec<&Value> {
    findings.iter().filter(|finding| ["warning", "problem"].contains(&text(finding, "severity"))).collect()
}

/// What a story wants: the topic, the severity, and what is said and advised.
type Want = (&'static str, &'static str, &'static str, &'static str);

#[track_caller]
fn finds(name: &str, sandbox: &Sandbox, arguments: &[&str], status: u8, want: Want) {
    let (found_status, findings) = examine(sandbox, arguments);
    let listed = serde_json::to_string_pretty(&findings).unwrap();
    let (topic, severity, what, mend) = want;
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
    assert!(text(found, "mend").contains(mend), "{name}: {listed}");
    assert_eq!(found_status, status, "{name}: {listed}");
    assert!(!listed.contains("canary"), "{name}: {listed}");
    assert!(!listed.contains(&sandbox.path("").display().to_string()), "{name}: {listed}");
}

#[test]
fn in_a_healthy_home_nothing_is_wrong() {
    let server = AuthorizationServer::start();
    let sandbox = home(&server_config(&server.domain(), ""));
    sandbox.run(&["login"]).ok();
    let before = sandbox.files();
    let (status, findings) = examine(&sandbox, &[]);
    assert_eq!(status, 0);
    assert!(wrong(&findings).is_empty(), "{findings:#?}");
    assert!(
        findings.iter().any(|finding| text(finding, "what").contains("alice is logged in")),
        "{findings:#?}"
    );
    let records = |files: &[(std::path::PathBuf, Vec<u8>)]| -> Vec<_> {
        files.iter().filter(|(path, _)| path.iter().any(|part| part == "records")).cloned().collect()
    };
    assert_eq!(records(&sandbox.files()), records(&before), "what was tried out is gone");
    let shown = sandbox.run(&["doctor"]).ok();
    assert!(shown.stdout.contains("✓ ok"), "{shown}");
    assert!(shown.stdout.contains("Nothing is wrong"), "{shown}");
    assert!(shown.stdout.lines().count() < sandbox.run(&["doctor", "-v"]).ok().stdout.lines().count());
    assert_eq!(server.token_requests("refresh_token"), 0, "nothing is renewed");
}

#[test]
fn the_json_form_is_stable() {
    let sandbox = home(CONFIG);
    let output = sandbox.run(&["doctor", "--json", "--offline"]).ok();
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(&report), ["findings", "platform", "version"]);
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    let findings = report["findings"].as_array().unwrap();
    let secret = findings.iter().find(|finding| text(finding, "what").starts_with("jwt")).unwrap();
    assert_eq!(
        *secret,
        json!({ "topic": "provider", "subject": "x", "severity": "ok", "what": "jwt: the variable SECRET is set", "why": null, "mend": null })
    );
    let trial = findings.iter().find(|finding| finding["topic"] == "store").unwrap();
    assert_eq!(members(trial), ["mend", "milliseconds", "severity", "subject", "topic", "what", "why"]);
    let topics =
        ["program", "config", "store", "browser", "loopback", "network", "clock", "provider", "helper"];
    let severities = ["ok", "note", "warning", "problem"];
    for finding in findings {
        assert!(topics.contains(&text(finding, "topic")) && severities.contains(&text(finding, "severity")));
    }
}

#[test]
fn what_is_wrong_with_the_configuration() {
    for (name, config, status, want) in [
        (
            "an unknown key",
            format!("{CONFIG}domian = \"y\"\n"),
            4,
            ("config", "problem", "domian", "did you mean `domain`?"),
        ),
        (
            "an unknown template",
            format!(
                "{CONFIG}[credentials.y]\ndomain = \"y.example\"\ntemplate = \"githob\"\noauth.client_id = \"a\"\n"
            ),
            4,
            ("config", "problem", "template", "github"),
        ),
        (
            "no TOML",
            "store = \"file\"\n[credentials.x\n".to_owned(),
            4,
            ("config", "problem", "not TOML", "config edit"),
        ),
        (
            "nothing",
            "store = \"file\"\n".to_owned(),
            4,
            ("config", "problem", "no provider is configured", "authctl provider add"),
        ),
        (
            "no such default",
            format!("default = \"z\"\n{CONFIG}"),
            4,
            ("config", "problem", "the default provider `z`", "config edit"),
        ),
    ] {
        finds(name, &home(&config), &["--offline"], status, want);
    }
    let sandbox = home(&CONFIG.replace("{ env = \"SECRET\" }", "\"canary-jwt\""));
    set_mode(&sandbox.path("config/config.toml"), 0o644);
    let readable = ("config", "warning", "can be read by others", "chmod 600 ~/config/config.toml");
    finds("readable by others", &sandbox, &["--offline"], 0, readable);
    set_mode(&sandbox.path("config/config.toml"), 0o622);
    let (status, findings) = examine(&sandbox, &["--offline"]);
    assert_eq!(status, 4);
    assert!(
        wrong(&findings)[0]["what"].as_str().unwrap().contains("can be written by others"),
        "{findings:#?}"
    );
    let sandbox = home(CONFIG);
    sandbox.write("work/.authctl.toml", "store = \"keyring\"\n");
    let refused = ("config", "problem", "a project's file cannot set `store`", "narrow scopes");
    finds("a project's file", &sandbox, &["--offline"], 4, refused);
    let sandbox = home(CONFIG);
    sandbox.environment.set("AUTHCTL_PROFILE", "work");
    finds(
        "a profile",
        &sandbox,
        &["--offline"],
        4,
        ("config", "problem", "the profile `work`", "[profile.NAME"),
    );
}

#[test]
fn what_is_wrong_with_the_program() {
    let mut sandbox = home(CONFIG);
    program(&sandbox, "bin/authctl");
    let first = sandbox.path("bin/authctl").display().to_string();
    let said = format!("{first} --version");
    sandbox.system.processes = Arc::new(Programs(vec![(said.leak(), "authctl 0.0.1\n".to_owned())]));
    let another =
        ("program", "warning", "~/bin/authctl: another authctl comes first on PATH", "change their order");
    finds("another", &sandbox, &["--offline"], 0, another);
    let (_, findings) = examine(&sandbox, &["--offline"]);
    assert!(text(wrong(&findings)[0], "why").contains("that one says `authctl 0.0.1`"), "{findings:#?}");
    let sandbox = home(CONFIG);
    sandbox.environment.set("PATH", &format!("{}:.", sandbox.path("bin").display()));
    finds("relative", &sandbox, &["--offline"], 0, ("program", "warning", "PATH", "take them out"));
}

#[test]
fn one_provider_and_none_of_that_name() {
    let server = AuthorizationServer::start();
    let config = server_config(&server.domain(), "")
        + "[credentials.x]\ndomain = \"127.0.0.1:1\"\nscheme = \"http\"\njwt = \"canary\"\n";
    let sandbox = home(&config);
    let (status, findings) = examine(&sandbox, &["as"]);
    assert_eq!(status, 0, "{findings:#?}");
    assert!(findings.iter().all(|finding| text(finding, "subject") != "x"), "{findings:#?}");
    assert_eq!(examine(&sandbox, &[]).0, 5);
    sandbox.run(&["doctor", "z"]).fails(4).says("the provider `z` is not configured");
}

#[test]
fn no_canary_in_either_form_f_leak3_f_leak7() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.client_secret = Some("canary-client-secret".to_owned()));
    let config = server_config(
        &server.domain(),
        "_client_secret = { env = \"SECRET\" }\nextra_params = { _hint = \"canary-hint\" }\n[credentials.key]\ndomain = \"127.0.0.1:1\"\nscheme = \"http\"\napi_key = \"canary-key\"\n[credentials.b]\ndomain = \"127.0.0.1:1\"\nscheme = \"http\"\n[credentials.b.basic]\nusername = \"u\"\n_password = \"canary-password\"\n",
    );
    let sandbox = home(&config);
    sandbox.environment.set("SECRET", "canary-client-secret");
    sandbox.environment.set("HTTPS_PROXY", "http://canary-user:canary-password@127.0.0.1:1");
    sandbox.environment.set("BROWSER", "nothing --token=canary");
    sandbox.write(
        ".docker/config.json",
        "{ \"auths\": { \"a\": { \"auth\": \"canary\" } }, \"credsStore\": \"authctl\" }",
    );
    let run = |path: &str, fault: Option<Reply>| {
        for form in [&["doctor"][..], &["doctor", "-vv"], &["doctor", "--json"]] {
            server.set(|behaviour| behaviour.faults.clear());
            if let Some(fault) = &fault {
                server.fault(path, fault.clone());
            }
            let output = sandbox.run(form);
            assert!(!output.to_string().contains("canary"), "{output}");
        }
    };
    run("", None);
    let place = "/.well-known/openid-configuration";
    for fault in [
        Reply::json(500, &json!({ "refresh_token": "canary-in-an-error" })),
        Reply::full(200, &[("content-type", "text/html")], "<html>canary-in-html"),
        Reply::json(200, &json!({ "issuer": 5, "token_endpoint": "canary" })),
        Reply::redirect(307, "https://evil.example/?token=canary-in-a-location"),
        Reply::Raw(b"canary\r\n\r\n".to_vec()),
    ] {
        run(place, Some(fault));
    }
    sandbox.configure(&(config.clone() + "secret = canary\n"));
    run("", None);
    sandbox.configure(&config);
    server.set(|behaviour| behaviour.faults.clear());
    sandbox.run(&["login", "as"]).ok();
    run("", None);
    let shown = sandbox.run(&["doctor"]);
    for secret in server.secrets() {
        assert!(!shown.to_string().contains(&secret));
    }
}

#[test]
fn without_a_home_it_says_so() {
    let sandbox = Sandbox::new(CONFIG);
    let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["doctor", "--offline", "--json"]);
    for variable in
        ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "AUTHCTL_CONFIG"]
    {
        command.env(variable, "");
    }
    let output = command.output().unwrap();
    assert!(serde_json::from_slice::<Value>(&output.stdout).is_ok(), "{output:?}");
}
