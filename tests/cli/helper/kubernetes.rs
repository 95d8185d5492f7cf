//! The Kubernetes exec plugin.

use std::sync::Arc;

use serde_json::{Value, json};

use super::logged_in;
use crate::support::browsers::Never;
use crate::support::{AuthorizationServer, Sandbox};

fn info(spec: &Value) -> String {
    json!({ "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "spec": spec })
        .to_string()
}

#[test]
fn kubernetes_exec_credentials_follow_the_protocol() {
    let (server, sandbox) = logged_in("");
    let ask = |arguments: &[&str]| sandbox.run(&[&["helper", "kubernetes", "as"], arguments].concat());
    let answer: Value = serde_json::from_str(&ask(&[]).ok().stdout).unwrap();
    assert_eq!(answer["apiVersion"], "client.authentication.k8s.io/v1");
    assert_eq!(answer["kind"], "ExecCredential");
    assert_eq!(answer["status"]["token"], sandbox.run(&["token"]).ok().text());
    let end: jiff::Timestamp = answer["status"]["expirationTimestamp"].as_str().unwrap().parse().unwrap();
    let left = end.as_second() - jiff::Timestamp::now().as_second();
    assert!((3480..=3540).contains(&left), "a minute before the end: {left}");

    sandbox
        .environment
        .set("KUBERNETES_EXEC_INFO", &info(&json!({ "interactive": false })).replace("/v1", "/v1beta1"));
    let answer: Value = serde_json::from_str(&ask(&["--id-token"]).ok().stdout).unwrap();
    assert_eq!(answer["apiVersion"], "client.authentication.k8s.io/v1beta1", "KH1");
    assert_eq!(answer["status"]["token"], sandbox.run(&["token", "--id-token"]).ok().text());

    let cluster = |server: &str| info(&json!({ "interactive": false, "cluster": { "server": server } }));
    sandbox.environment.set("KUBERNETES_EXEC_INFO", &cluster(&server.issuer()));
    ask(&[]).ok();
    sandbox.environment.set("KUBERNETES_EXEC_INFO", &cluster("https://evil.example"));
    ask(&[]).fails(1).says("does not serve the cluster `https://evil.example`");
    sandbox.environment.set("KUBERNETES_EXEC_INFO", "{");
    ask(&[]).fails(1).says("is not a JSON object");
}

#[test]
fn kubernetes_logs_in_if_kubectl_is_interactive() {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    let consents = std::mem::replace(&mut sandbox.system.browser, Arc::new(Never));
    let ask =
        |sandbox: &Sandbox, arguments: &[&str]| sandbox.run(&[&["helper", "kubernetes"], arguments].concat());
    sandbox.environment.set("KUBERNETES_EXEC_INFO", &info(&json!({ "interactive": false })));
    ask(&sandbox, &[]).fails(3).says("run `authctl login as`");
    sandbox.system.browser = consents;
    sandbox.environment.set("KUBERNETES_EXEC_INFO", &info(&json!({ "interactive": true })));
    ask(&sandbox, &[]).ok();
    sandbox.run(&["logout"]).ok();
    sandbox.environment.set("KUBERNETES_EXEC_INFO", &info(&json!({ "interactive": false })));
    ask(&sandbox, &["--login"]).ok();
    assert_eq!(server.token_requests("authorization_code"), 2);
}

#[test]
fn a_kubernetes_client_that_asks_again_early_gets_a_new_token() {
    let (server, sandbox) = logged_in("");
    let ask = || {
        let output = sandbox.run(&["helper", "kubernetes"]).ok();
        serde_json::from_str::<Value>(&output.stdout).unwrap()["status"]["token"].clone()
    };
    assert_eq!(ask(), ask(), "a person may ask as often as they like");
    sandbox.environment.set("KUBERNETES_EXEC_INFO", &info(&json!({})));
    let first = ask();
    assert_eq!(server.token_requests("refresh_token"), 0);
    let second = ask();
    assert_ne!(first, second, "the same process asks again");
    assert_eq!(server.token_requests("refresh_token"), 1);
    // The token has expired, so a second request does not mean that it was rejected.
    sandbox.clock.advance(3590);
    let third = ask();
    assert_ne!(second, third);
    assert_eq!(server.token_requests("refresh_token"), 2);
    let memory =
        sandbox.files().into_iter().find(|(path, _)| path.ends_with("kubernetes/as.json")).unwrap().1;
    assert!(!String::from_utf8(memory).unwrap().contains(third.as_str().unwrap()), "no token in it");
}
