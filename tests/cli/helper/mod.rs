//! `authctl helper`: other programs' protocols, byte for byte.

mod aws;
mod aws_web_identity;
mod cargo;
mod choice;
mod docker;
mod git;
mod kubernetes;
mod others;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::browsers::Never;
use crate::support::sandbox::{Output, server_config};
use crate::support::{AuthorizationServer, Sandbox};

/// A home that is logged in; from now on, opening a browser fails the test.
fn logged_in(more: &str) -> (AuthorizationServer, Sandbox) {
    let server = AuthorizationServer::start();
    let config = server_config(&server.domain(), "");
    let mut sandbox = Sandbox::new(&format!("{config}{more}"));
    sandbox.run(&["login", "as"]).ok();
    sandbox.system.browser = Arc::new(Never);
    (server, sandbox)
}

fn git(sandbox: &Sandbox, operation: &str, lines: &[&str]) -> Output {
    sandbox.run_with(&["helper", "git", operation], &(lines.join("\n") + "\n\n"))
}

#[track_caller]
fn nothing(output: &Output, name: &str) {
    assert_eq!((output.status, output.stdout.as_str()), (0, ""), "{name}: {output}");
}

const TOKEN_CONFIG: &str = "\n[credentials.other]\ndomain = \"git.example\"\nhosts = [\"code.example:8443\", \"xn--bcher-kva.example\"]\njwt = \"other-token\"\n";

/// The response to cargo, line by line.
fn cargo(sandbox: &Sandbox, questions: &[Value]) -> Vec<Value> {
    let typed = sandbox.input.terminal();
    for question in questions {
        typed.send(authctl::secret::SecretText::new(format!("{question}\n"))).unwrap();
    }
    drop(typed);
    let output = sandbox.run(&["helper", "cargo", "--cargo-plugin"]).ok();
    output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn question(index: &str, kind: &str) -> Value {
    json!({
        "v": 1, "kind": kind, "operation": "read",
        "registry": { "index-url": index, "name": "my", "headers": ["WWW-Authenticate: Bearer", "X: \u{1b}[31m"] },
    })
}

/// AWS's response, as in its API reference.
fn sts_answer(seconds: i64) -> String {
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    format!(
        "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleWithWebIdentityResult><Credentials><SessionToken>session-canary</SessionToken><SecretAccessKey>secret-canary</SecretAccessKey><Expiration>{end}</Expiration><AccessKeyId>ASIAEXAMPLE</AccessKeyId></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
    )
}
