//! What `token` prints.

use std::process::Stdio;

use super::{logged_in, parallel_sandbox};
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn tokens_are_printed_in_every_format() {
    let (_server, sandbox) = logged_in();
    let token = sandbox.run(&["token"]).ok().text().to_owned();
    assert_eq!(sandbox.run(&["token", "-o", "header"]).ok().text(), format!("Authorization: Bearer {token}"));
    assert_eq!(sandbox.run(&["headers"]).ok().text(), format!("Authorization: Bearer {token}"));
    assert_eq!(sandbox.run(&["token", "-o", "env"]).ok().text(), format!("export AS_TOKEN='{token}'"));
    assert_eq!(
        sandbox.run(&["token", "-o", "curl"]).ok().text(),
        format!("header = \"Authorization: Bearer {token}\"")
    );
    let json: serde_json::Value =
        serde_json::from_str(&sandbox.run(&["token", "--json"]).ok().stdout).unwrap();
    assert_eq!(json["access_token"], token.as_str());
    assert_eq!(json["provider"], "as");
    assert!(json.get("refresh_token").is_none());
    let id_token = sandbox.run(&["token", "--id-token"]).ok();
    assert_eq!(id_token.text().split('.').count(), 3);
    sandbox.run(&["token", "-o", "xml"]).fails(2);
}

#[test]
fn an_expired_id_token_is_refreshed() {
    let (server, sandbox) = logged_in();
    let first = sandbox.run(&["token", "--id-token"]).ok();
    sandbox.clock.advance(3700);
    sandbox.run(&["token", "--id-token"]).fails(3).says("the ID token has expired");
    server.set(|behaviour| {
        behaviour.id_token_on_refresh = true;
        let now = jiff::Timestamp::now().as_second();
        behaviour.claims.insert("exp".to_owned(), (now + 9000).into());
    });
    let second = sandbox.run(&["token", "--id-token"]).ok();
    assert_ne!(first, second);
}

#[test]
fn a_closed_pipe_is_success() {
    let (_server, sandbox) = parallel_sandbox();
    let mut child = sandbox
        .binary(env!("CARGO_BIN_EXE_authctl"), &["token"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

// F-LEAK12
#[test]
fn values_with_control_characters_are_refused() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    let before = server.requests().len();
    for option in ["--audience", "--resource", "--connection", "--scope"] {
        for value in ["a\nb", "a\r", "\u{0}a", "a\u{85}b", "a\u{1b}[1m"] {
            sandbox.run(&["token", option, value]).fails(2).says("must not contain control characters");
            sandbox.run(&["helper", "kubernetes", "as", option, value]).fails(2).says("control characters");
        }
    }
    sandbox.run(&["helper", "aws", "as", "--role", "a\nb"]).fails(2).says("control characters");
    assert_eq!(server.requests().len(), before);
}
