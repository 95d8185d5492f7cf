//! The helpers for Bazel, Terraform and keyring.

use serde_json::{Value, json};

use super::{TOKEN_CONFIG, logged_in};
use crate::support::Sandbox;

#[test]
fn bazel_credential_helper_follows_the_protocol() {
    let (server, sandbox) = logged_in("");
    let bazel = |command: &str, input: &str| sandbox.run_with(&["helper", "bazel", command], input);
    let uri = json!({ "uri": format!("{}/v1/x", server.issuer()), "more": [1] }).to_string();
    let answer: Value = serde_json::from_str(&bazel("get", &uri).ok().stdout).unwrap();
    let token = sandbox.run(&["token"]).ok().text().to_owned();
    assert_eq!(answer["headers"], json!({ "Authorization": [format!("Bearer {token}")] }));
    answer["expires"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    bazel("get", "{\"uri\":\"https://other.example/\"}").fails(1).says("no provider serves");
    bazel("get", "{}").fails(1).says("has no `uri`");
    bazel("get", "[").fails(1).says("is not a JSON object");
    sandbox.run(&["helper", "bazel", "get-more"]).fails(2);
    sandbox.run(&["helper", "bazel"]).fails(2);
}

#[test]
fn terraform_credentials_helper_follows_the_protocol() {
    let sandbox = Sandbox::new(&format!("store = \"file\"\n{TOKEN_CONFIG}"));
    let terraform = |arguments: &[&str]| sandbox.run(&[&["helper", "terraform"], arguments].concat());
    assert_eq!(terraform(&["get", "git.example"]).ok().stdout, "{\"token\":\"other-token\"}\n");
    assert_eq!(
        terraform(&["from", "config", "get", "git.example"]).ok().stdout,
        "{\"token\":\"other-token\"}\n"
    );
    for host in ["other.example", "git.example.", "git.example/x", ""] {
        assert_eq!(terraform(&["get", host]).ok().stdout, "{}\n", "{host}");
    }
    let store = sandbox.run_with(&["helper", "terraform", "store", "git.example"], "{\"token\":\"x\"}");
    store.fails(1).says("authctl does not store");
    terraform(&["forget", "unknown.example"]).ok();
    terraform(&["forget", "git.example"]).ok().says("stays logged in");
    terraform(&["dance", "git.example"]).fails(2);
    terraform(&["get"]).fails(2);
}

#[test]
fn keyring_command_follows_the_protocol() {
    let basic = "[credentials.index]\ndomain = \"pypi.example\"\nbasic = { username = \"bob\", password = \"secret\" }\n";
    let sandbox = Sandbox::new(&format!("store = \"file\"\n{TOKEN_CONFIG}{basic}"));
    let keyring = |arguments: &[&str]| sandbox.run(&[&["helper", "keyring"], arguments].concat());
    for (service, want) in [
        ("https://git.example/simple/", Some("other-token\n")),
        ("git.example", Some("other-token\n")),
        ("https://pypi.example/simple/", Some("secret\n")),
        ("https://other.example/simple/", None),
        ("http://git.example/simple/", None),
    ] {
        let output = keyring(&["get", service, "__token__"]);
        match want {
            Some(want) => assert_eq!(output.ok().stdout, want, "{service}"),
            None => assert_eq!(output.fails(1).stderr, "", "{service}: not a word"),
        }
    }
    assert_eq!(keyring(&["get", "https://pypi.example/", "--mode", "creds"]).ok().stdout, "bob\nsecret\n");
    assert_eq!(keyring(&["get", "git.example", "--mode", "creds"]).ok().stdout, "oauth2\nother-token\n");
    keyring(&["set", "git.example", "me"]).fails(1).says("authctl does not store");
    keyring(&["list"]).fails(2);
}
