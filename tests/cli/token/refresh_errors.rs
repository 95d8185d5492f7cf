//! Failed refreshes keep the login.

use serde_json::json;

use super::logged_in;
use crate::support::http::Reply;

#[test]
fn invalid_grant_deletes_nothing_f_rot2() {
    let (server, sandbox) = logged_in();
    sandbox.clock.advance(4000);
    for _ in 0..2 {
        server.fault("/token", Reply::json(400, &json!({ "error": "invalid_grant" })));
        sandbox.run(&["token"]).fails(3).says("no longer accepts the stored login").says("authctl login as");
    }
    assert!(sandbox.run(&["status"]).ok().stdout.contains("login needed"));
    // It was a temporary server error: the stored login still works.
    sandbox.run(&["token"]).ok();
    assert!(sandbox.run(&["status"]).ok().stdout.contains("valid"));
}

#[test]
fn a_refresh_whose_response_was_lost_is_sent_once_more_f_rot6() {
    let (server, sandbox) = logged_in();
    sandbox.clock.advance(4000);
    // Not rotated yet, or within the server's grace period: the second request succeeds.
    server.fault("/token", Reply::Drop);
    sandbox.run(&["token"]).ok();
    assert_eq!(server.token_requests("refresh_token"), 2);
    // Rotated, and no grace period: the message explains what happened.
    sandbox.clock.advance(4000);
    server.lose("/token", Reply::Drop);
    sandbox.run(&["token"]).fails(3).says("may have replaced the token");
    assert_eq!(server.token_requests("refresh_token"), 4);
}

#[test]
fn a_lost_response_is_not_retried_while_a_token_is_valid_f_rot6() {
    let (server, sandbox) = logged_in();
    let token = sandbox.run(&["token"]).ok();
    sandbox.clock.advance(3550);
    server.fault("/token", Reply::Drop);
    let output = sandbox.run(&["token"]).ok().says("still valid for now");
    assert_eq!(output.stdout, token.stdout);
    assert_eq!(server.token_requests("refresh_token"), 1);
    // The next run does not do so either, while a request could lose a token.
    assert_eq!(sandbox.run(&["token"]).ok().stdout, token.stdout);
    assert_eq!(server.token_requests("refresh_token"), 1);
    sandbox.clock.advance(100);
    sandbox.run(&["token"]).ok();
    assert_eq!(server.token_requests("refresh_token"), 2);
}

#[test]
fn try_later_keeps_the_login_f_429() {
    let (server, sandbox) = logged_in();
    let token = sandbox.run(&["token"]).ok();
    let later = [
        Reply::full(429, &[("retry-after", "7")], "slow down"),
        Reply::full(503, &[("retry-after", "7")], ""),
        Reply::full(500, &[], "<html>oops</html>"),
    ];
    sandbox.clock.advance(3550);
    server.fault("/token", later[0].clone());
    // The token is still valid: authctl prints it, and sends no request until it expires.
    for _ in 0..2 {
        assert_eq!(sandbox.run(&["token"]).ok().stdout, token.stdout);
        assert_eq!(server.token_requests("refresh_token"), 1);
    }
    sandbox.clock.advance(100);
    for reply in later {
        server.fault("/token", reply);
        let output = sandbox.run(&["token"]).fails(5).says("stored tokens are kept");
        assert!(!output.stderr.contains("oops"), "{output}");
    }
    sandbox.run(&["token"]).ok();
}

#[test]
fn a_provider_that_cannot_be_reached_is_status_5() {
    let sandbox = {
        let (server, sandbox) = logged_in();
        drop(server);
        sandbox
    };
    sandbox.clock.advance(4000);
    sandbox.run(&["token"]).fails(5).says("cannot reach 127.0.0.1").says("stored tokens are kept");
}
