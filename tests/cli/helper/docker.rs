//! The Docker credential helper.

use serde_json::{Value, json};

use super::{TOKEN_CONFIG, logged_in};
use crate::support::sandbox::Output;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn docker_credential_helper_follows_the_protocol() {
    let (_server, sandbox) = logged_in(TOKEN_CONFIG);
    let docker = |action: &str, input: &str| sandbox.run_with(&["helper", "docker", action], input);
    let said = |output: Output| (output.status, output.stdout);
    let secret = |server: &str, user: &str, secret: &str| {
        format!("{{\"Secret\":\"{secret}\",\"ServerURL\":\"{server}\",\"Username\":\"{user}\"}}\n")
    };
    for server in ["https://git.example", "git.example", "https://git.example/v2/"] {
        let want = secret(server, "oauth2accesstoken", "other-token");
        assert_eq!(said(docker("get", server)), (0, want), "{server}");
    }
    for server in [
        "https://other.example",
        "git.example.evil",
        "http://git.example",
        "git.example:5000",
        "x@git.example",
    ] {
        let want = "credentials not found in native keychain\n".to_owned();
        assert_eq!(said(docker("get", server)), (1, want), "F-DOCK1: {server}");
    }
    assert_eq!(said(docker("get", "\n")), (1, "no credentials server URL\n".to_owned()));
    let given = |user: &str, secret: &str| {
        json!({ "ServerURL": "https://git.example", "Username": user, "Secret": secret }).to_string()
    };
    assert_eq!(
        said(docker("store", &given("oauth2accesstoken", "other-token"))),
        (0, String::new()),
        "our own"
    );
    let refused = said(docker("store", &given("me", "mine")));
    assert_eq!(refused.0, 1);
    assert!(refused.1.contains("authctl login other") && !refused.1.contains("mine"), "{}", refused.1);
    assert_eq!(said(docker("store", &given("", "x"))), (1, "no credentials username\n".to_owned()));
    assert_eq!(said(docker("erase", "https://git.example")), (0, String::new()));
    assert_eq!(said(docker("get", "git.example")).0, 0, "docker logout does not log out here");
    assert_eq!(said(docker("erase", "https://unknown.example")), (0, String::new()));
    let list: Value = serde_json::from_str(&docker("list", "unused").ok().stdout).unwrap();
    assert_eq!(list["https://code.example:8443"], "oauth2accesstoken");
    assert!(said(docker("version", "")).1.starts_with("docker-credential-authctl (authctl) "));
    let unknown = said(docker("frobnicate", ""));
    assert_eq!(unknown, (1, "docker-credential-authctl: unknown action: frobnicate\n".to_owned()));
}

#[test]
fn docker_gets_the_reason_for_a_missing_credential_on_standard_output() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    let output = sandbox.run_with(&["helper", "docker", "get"], &server.issuer());
    assert_eq!(
        (output.status, output.stdout.as_str()),
        (1, "authctl: no usable token for `as`\n"),
        "{output}"
    );
    output.says("run `authctl login as`");
}
