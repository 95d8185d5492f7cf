//! Scopes and audiences of a token.

use super::logged_in;
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn tokens_with_different_scopes_are_cached_separately_f_leak9() {
    let server = AuthorizationServer::start();
    let config = server_config(&server.domain(), "").replace(
        "scopes = [\"openid\", \"repo\"]",
        "scopes = { read = \"openid read\", admin = [\"openid\", \"admin\"] }",
    );
    let sandbox = Sandbox::new(&config);
    sandbox.run(&["login"]).ok().says("Scopes: admin openid read");
    let all = sandbox.run(&["token"]).ok();
    let read = sandbox.run(&["token", "--capability", "read"]).ok();
    let admin = sandbox.run(&["token", "--scope", "admin"]).ok();
    let for_a = sandbox.run(&["token", "--resource", "https://a.example"]).ok();
    let for_b = sandbox.run(&["token", "--resource", "https://b.example"]).ok();
    let audience = sandbox.run(&["token", "--audience", "c"]).ok();
    let mut tokens =
        [&all, &read, &admin, &for_a, &for_b, &audience].map(|output| output.stdout.clone()).to_vec();
    assert_eq!(server.token_requests("refresh_token"), 5);
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 6, "six different tokens");
    for (arguments, want) in [
        (vec!["token"], &all),
        (vec!["token", "--capability", "read"], &read),
        (vec!["token", "--scope", "admin"], &admin),
        (vec!["token", "--resource", "https://a.example"], &for_a),
        (vec!["token", "--resource", "https://b.example"], &for_b),
        (vec!["token", "--audience", "c"], &audience),
    ] {
        assert_eq!(sandbox.run(&arguments).ok().stdout, want.stdout, "{arguments:?}");
    }
    assert_eq!(server.token_requests("refresh_token"), 5, "each from the cache");
    sandbox
        .run(&["token", "--scope", "openid sudo"])
        .fails(3)
        .says("the scope sudo was not granted")
        .says("--scope 'sudo'");
    sandbox
        .run(&["token", "--capability", "write"])
        .fails(4)
        .says("use one of its capabilities: admin, read");
}

#[test]
fn a_wider_answer_than_asked_for_is_not_handed_out_and_loses_nothing() {
    let (server, sandbox) = logged_in();
    server.set(|behaviour| {
        drop(behaviour.token_members.insert("scope".to_owned(), "openid repo admin".into()))
    });
    sandbox
        .run(&["token", "--scope", "repo"])
        .fails(1)
        .says("granted more scopes than requested (admin openid)");
    server.set(|behaviour| behaviour.token_members.clear());
    sandbox.run(&["token", "--scope", "repo"]).ok();
    assert!(!server.any_family_revoked(), "the rotated refresh token was kept");
}

#[test]
fn fewer_granted_scopes_are_reported() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.granted = Some("openid".to_owned()));
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok().says("these scopes were requested but not granted: repo");
}

#[test]
fn new_scopes_in_the_configuration_are_reported() {
    let (server, sandbox) = logged_in();
    sandbox.configure(&server_config(&server.domain(), "").replace("\"repo\"", "\"repo\", \"gist\""));
    sandbox.run(&["token"]).ok().says("now requests the scope gist, which this login lacks");
}

#[test]
fn a_configured_audience_goes_with_the_refresh_that_is_filed_under_it() {
    let (server, sandbox) = logged_in();
    sandbox.environment.set("AUTHCTL_CREDENTIALS__AS__OAUTH__AUDIENCE", "https://api.b");
    sandbox.run(&["token"]).ok();
    let last = server.requests_to("/token").pop().unwrap();
    assert_eq!(last.parameter("audience").as_deref(), Some("https://api.b"));
}

#[test]
fn a_request_for_the_granted_scopes_uses_the_logins_token() {
    let (server, sandbox) = logged_in();
    let own = sandbox.run(&["token"]).ok();
    assert_eq!(sandbox.run(&["token", "--scope", "repo openid"]).ok(), own);
    assert_eq!(server.token_requests("refresh_token"), 0);
    assert_ne!(sandbox.run(&["token", "--scope", "repo"]).ok(), own);
    assert_eq!(server.token_requests("refresh_token"), 1);
}
