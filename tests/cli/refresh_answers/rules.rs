//! How a response affects the login.

use serde_json::{Value, json};

use super::{CASES, claims, logged_in, replace, set};
use crate::support::Sandbox;
use crate::support::http::Reply;

/// F-ROT10: an ID token problem caused by a clock or the network does not invalidate the access token.
#[test]
fn an_id_token_that_cannot_be_checked_costs_nothing_else() {
    let (server, sandbox) = logged_in();
    claims(&server, &json!({ "iat": 4_000_000_000_i64 }));
    let token = sandbox.run(&["token", "--refresh"]).ok().says("ID token was not saved");
    assert!(server.accepts(token.text()));
    server.rotate_key();
    server.set(|behaviour| behaviour.claims.clear());
    server.fault("/jwks", Reply::full(503, &[], "")).fault("/jwks", Reply::full(503, &[], ""));
    let token = sandbox.run(&["token", "--refresh"]).ok();
    assert!(server.accepts(token.text()));
}

/// F-ROT10: an invalid response does not interrupt the user while the stored access token is still valid.
#[test]
fn a_valid_access_token_is_handed_out_whatever_the_answer() {
    for &(name, _, spoil) in CASES {
        let (server, sandbox) = logged_in();
        let before = sandbox.run(&["token"]).ok();
        sandbox.clock.advance(3550);
        spoil(&server);
        let output = sandbox.run(&["token"]).ok().says("still valid for now");
        assert_eq!(output.stdout, before.stdout, "{name}");
    }
}

/// F-ROT10: nothing was sent, so nothing is noted and nothing is explained later.
#[test]
fn a_refresh_that_was_not_sent_leaves_no_trace() {
    let (server, sandbox) = logged_in();
    sandbox.configure(&crate::support::sandbox::server_config(
        &server.domain(),
        "token_endpoint_auth_method = \"client_secret_post\"\nclient_secret = { env = \"NOT_SET\" }",
    ));
    sandbox.run(&["token", "--refresh"]).fails(1);
    assert_eq!(server.token_requests("refresh_token"), 0);
    sandbox.configure(&crate::support::sandbox::server_config(&server.domain(), ""));
    server.fault("/token", Reply::json(400, &json!({ "error": "invalid_grant" })));
    sandbox.run(&["token", "--refresh"]).fails(3).says("no longer accepts the stored login");
}

/// F-ROT10: a later rejection does not resolve the earlier unknown result.
#[test]
fn a_refusal_after_an_unknown_result_does_not_hide_it() {
    let (server, sandbox) = logged_in();
    replace(&server, 502, "");
    sandbox.run(&["token", "--refresh"]).fails(5);
    server.fault("/token", Reply::json(401, &json!({ "error": "invalid_client" })));
    sandbox.run(&["token", "--refresh"]).fails(1);
    sandbox.run(&["token", "--refresh"]).fails(3).says("may have replaced the token");
}

/// F-ROT10: after a rotation, a pasted refresh token is as useless as a stored one.
#[test]
fn a_pasted_refresh_token_that_was_rotated_is_not_lost() {
    let (server, sandbox) = logged_in();
    let pasted = server.secrets().into_iter().find(|secret| secret.starts_with("refresh")).unwrap();
    let other = Sandbox::with_server(&server.domain());
    other.input.pipe(&pasted);
    set(&server, "token_type", json!("mac"));
    other.run(&["login", "--with-token=refresh"]).fails(1).says("token type `mac`").says("authctl token as");
    let token = other.run(&["token"]).ok();
    assert!(server.accepts(token.text()));
    assert!(!server.any_family_revoked());
    drop(sandbox);
}

/// F-ROT10: the pasted refresh token is replaced before the keys that verify its ID token are fetched.
#[test]
fn a_pasted_refresh_token_survives_a_login_that_is_not_finished() {
    let (server, sandbox) = logged_in();
    let pasted = server.secrets().into_iter().find(|secret| secret.starts_with("refresh")).unwrap();
    let other = Sandbox::with_server(&server.domain());
    other.input.pipe(&pasted);
    claims(&server, &json!({ "aud": "another" }));
    other.run(&["login", "--with-token=refresh", "--account", "bob"]).fails(1).says("authctl token as");
    server.set(|behaviour| behaviour.claims.clear());
    assert!(server.accepts(other.run(&["token"]).ok().text()));
    // A finished login leaves one account.
    let third = Sandbox::with_server(&server.domain());
    let pasted = server.secrets().into_iter().find(|secret| secret.starts_with("refresh")).unwrap();
    third.input.pipe(&pasted);
    third.run(&["login", "--with-token=refresh"]).ok().says("as alice");
    let status = third.run(&["status", "--json"]).ok();
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(status["providers"][0]["accounts"].as_array().unwrap().len(), 1, "{status}");
    assert!(!server.any_family_revoked());
    drop(sandbox);
}
