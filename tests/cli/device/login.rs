//! What the user sees.

use std::sync::Arc;

use serde_json::Value;

use super::{home, pauses};
use crate::support::browsers::{Absent, Never};
use crate::support::http::Reply;
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn a_device_code_login_works() {
    for grant in ["", "grant_type = \"device_code\""] {
        let server = AuthorizationServer::start();
        let (sandbox, timed) = home(&server_config(&server.domain(), grant));
        let arguments: &[&str] = if grant.is_empty() { &["login", "--device"] } else { &["login"] };
        let output = sandbox.run(arguments).ok();
        for said in ["/enter\n", "WDJB-MJHT", "Logged in to as as alice", "refreshes automatically"] {
            assert!(output.stderr.contains(said), "{grant} {said}: {output}");
        }
        assert!(!output.stderr.contains("device-canary"), "D10: {output}");
        let asked = &server.requests_to("/device")[0];
        assert_eq!(asked.parameter("client_id").as_deref(), Some("app"));
        assert_eq!(asked.parameter("scope").as_deref(), Some("openid repo"));
        let poll = &server.requests_to("/token")[0];
        let grant_type = poll.parameter("grant_type");
        assert_eq!(grant_type.as_deref(), Some("urn:ietf:params:oauth:grant-type:device_code"));
        assert_eq!(pauses(&timed), [5], "not before the first interval is over");
        assert!(server.accepts(sandbox.run(&["token"]).ok().text()));
        sandbox.clock.advance(4000);
        assert!(server.accepts(sandbox.run(&["token"]).ok().text()), "refreshed as any other");
    }
}

#[test]
fn a_refused_verification_uri_is_not_shown_f_url2() {
    for (member, address) in [
        ("verification_uri", "javascript:alert(1)"),
        ("verification_uri_complete", "https://169.254.169.254/x"),
        ("verification_uri", "http://evil.example/"),
    ] {
        let server = AuthorizationServer::start();
        let (mut sandbox, _) = home(&server_config(&server.domain(), ""));
        sandbox.system.browser = Arc::new(Never);
        server.set(|behaviour| drop(behaviour.device.insert(member.to_owned(), address.into())));
        let output =
            sandbox.run(&["login", "--device"]).fails(1).says("supplied a URL that authctl refuses to use");
        assert!(!output.stderr.contains("WDJB"), "{address}: {output}");
        assert!(server.requests_to("/token").is_empty(), "{address}");
    }
}

#[test]
fn a_user_code_cannot_control_the_terminal_f_ctrl2() {
    let server = AuthorizationServer::start();
    let (sandbox, _) = home(&server_config(&server.domain(), ""));
    server.set(|behaviour| drop(behaviour.device.insert("user_code".to_owned(), "A\u{1b}]0;x\u{7}".into())));
    let output = sandbox.run(&["login", "--device"]).ok();
    assert!(!output.stderr.contains('\u{1b}') && output.stderr.contains("A\\u{1b}"), "{output}");
}

#[test]
fn a_device_login_can_be_interrupted() {
    let server = AuthorizationServer::start();
    let (sandbox, _) = home(&server_config(&server.domain(), ""));
    *sandbox.signals.0.lock().unwrap() = Some(2);
    sandbox.run(&["login", "--device"]).fails(130);
    assert!(sandbox.stores_nothing());
}

#[test]
fn without_a_usable_browser_the_message_suggests_device_login() {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    sandbox.system.browser = Arc::new(Absent::default());
    sandbox.run(&["login", "--timeout", "50ms"]).fails(1).says("authctl login as --device");
    server.set(|behaviour| {
        drop(behaviour.metadata.insert("device_authorization_endpoint".to_owned(), Value::Null));
    });
    let output = sandbox.run(&["login", "--timeout", "50ms", "--refresh-metadata"]).fails(1);
    assert!(!output.stderr.contains("--device"), "the server does not offer it: {output}");
    sandbox
        .run(&["login", "--device"])
        .fails(4)
        .says("the server's metadata has no `device_authorization_endpoint`");
}

/// A timeout shorter than one interval still waits that long. If the server never responded, the error reports that.
#[test]
fn the_final_message_of_a_device_login_is_accurate() {
    let server = AuthorizationServer::start();
    let (sandbox, timed) = home(&server_config(&server.domain(), ""));
    sandbox
        .run(&["login", "--device", "--timeout", "1s"])
        .fails(1)
        .says("the login was not approved within 1 second");
    assert!(pauses(&timed).is_empty(), "D4");
    for _ in 0..40 {
        server.fault("/token", Reply::full(503, &[], ""));
    }
    sandbox
        .run(&["login", "--device", "--timeout", "2m"])
        .fails(5)
        .says("is temporarily unavailable (status 503)");
}

/// The key set is fetched before the user is asked: afterwards the tokens would be lost.
#[test]
fn a_key_set_that_only_discovery_knows_is_found() {
    let server = AuthorizationServer::start();
    let endpoints: String = [("token_endpoint", "token"), ("device_authorization_endpoint", "device")]
        .iter()
        .map(|(name, path)| format!("{name} = \"{}/{path}\"\n", server.issuer()))
        .collect();
    let (sandbox, _) = home(&server_config(&server.domain(), &endpoints));
    sandbox.run(&["login", "--device"]).ok().says("Logged in to as as alice");
}
