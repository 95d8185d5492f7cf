//! When a token is refreshed, and what its lifetime is.

use super::logged_in;
use crate::support::http::Reply;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn a_token_is_refreshed_a_minute_early_but_not_before_half_its_lifetime() {
    for (lifetime, still, renewed) in [(3600, 3535, 3545), (40, 18, 21)] {
        let server = AuthorizationServer::start();
        server.set(|behaviour| behaviour.expires_in = Some(lifetime));
        let sandbox = Sandbox::with_server(&server.domain());
        sandbox.run(&["login"]).ok();
        sandbox.clock.advance(still);
        sandbox.run(&["token"]).ok();
        assert_eq!(server.token_requests("refresh_token"), 0, "{lifetime}");
        sandbox.clock.advance(renewed - still);
        sandbox.run(&["token"]).ok();
        assert_eq!(server.token_requests("refresh_token"), 1, "{lifetime}");
    }
}

#[test]
fn refresh_all_without_a_login_says_so() {
    let sandbox = Sandbox::new("[credentials.a]\ndomain = \"a.example\"\napi_key = \"x\"\n");
    sandbox.run(&["refresh", "--all"]).ok().says("nothing to refresh");
}

#[test]
fn refresh_and_min_ttl_renew() {
    let (server, sandbox) = logged_in();
    let first = sandbox.run(&["token"]).ok();
    assert_ne!(sandbox.run(&["token", "--refresh"]).ok(), first);
    assert_eq!(server.token_requests("refresh_token"), 1);
    sandbox.run(&["token", "--min-ttl", "30m"]).ok();
    assert_eq!(server.token_requests("refresh_token"), 1);
    sandbox.clock.advance(2000);
    sandbox.run(&["token", "--min-ttl", "30m"]).ok();
    assert_eq!(server.token_requests("refresh_token"), 2);
    sandbox.run(&["token", "--min-ttl", "2h"]).fails(1).says("are not valid for 2 hours");
    assert_eq!(server.token_requests("refresh_token"), 3, "one refresh, not a loop");
    sandbox.run(&["refresh"]).ok().says("Refreshed as; the new access token expires in 1 hour");
    sandbox.run(&["refresh", "--all"]).ok();
}

#[test]
fn an_expires_in_of_zero_causes_one_refresh_per_run_f_exp2() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.expires_in = Some(0));
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    for round in 1..=3 {
        let token = sandbox.run(&["token"]).ok();
        assert!(server.accepts(token.text()));
        assert_eq!(server.token_requests("refresh_token"), round);
    }
}

#[test]
fn a_token_without_a_lifetime_is_used_until_rejected_f_exp3() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.expires_in = None);
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok().says("did not say when the access token expires");
    sandbox.clock.advance(100 * 86_400);
    sandbox.run(&["token"]).ok();
    assert_eq!(server.token_requests("refresh_token"), 0);
    sandbox.run(&["refresh"]).ok();
    assert_eq!(server.token_requests("refresh_token"), 1);
}

#[test]
fn a_clock_set_far_back_causes_a_refresh_f_exp4() {
    let (server, sandbox) = logged_in();
    sandbox.clock.advance(-3600);
    sandbox.run(&["token"]).ok();
    assert_eq!(server.token_requests("refresh_token"), 1);
}

#[test]
fn the_refresh_token_is_kept_if_no_new_one_is_issued_f_rot7() {
    let (server, sandbox) = logged_in();
    server.set(|behaviour| behaviour.rotates = false);
    for round in 1..=2 {
        sandbox.clock.advance(4000);
        sandbox.run(&["token"]).ok();
        assert_eq!(server.token_requests("refresh_token"), round);
    }
}

#[test]
fn an_expired_token_without_a_refresh_token_needs_a_login() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.refreshes = false);
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok().says("then log in again");
    sandbox.clock.advance(3550);
    sandbox.run(&["token"]).ok();
    sandbox.run(&["token", "--refresh"]).fails(3).says("the server issued no refresh token");
    sandbox.clock.advance(100);
    sandbox
        .run(&["token"])
        .fails(3)
        .says("the access token has expired, and the server issued no refresh token");
}

#[test]
fn an_unavailable_key_set_does_not_lose_a_rotated_session() {
    let (server, sandbox) = logged_in();
    sandbox.clock.advance(4000);
    std::fs::remove_dir_all(sandbox.path("cache")).unwrap();
    server.set(|behaviour| behaviour.id_token_on_refresh = true);
    server.fault("/jwks", Reply::full(503, &[], ""));
    sandbox.run(&["token"]).ok().says("the new ID token was not saved, because it could not be checked");
    server.set(|behaviour| behaviour.id_token_on_refresh = false);
    sandbox.run(&["token", "--refresh"]).ok();
    assert!(!server.any_family_revoked());
}

#[test]
fn a_clock_that_is_wrong_does_not_lose_a_rotated_session() {
    let (server, sandbox) = logged_in();
    sandbox.clock.advance(40_000);
    server.set(|behaviour| behaviour.id_token_on_refresh = true);
    sandbox.run(&["token"]).ok().says("ID token was not saved").says("in the past");
    sandbox.run(&["token", "--refresh"]).ok();
    assert!(!server.any_family_revoked());
}

#[test]
fn min_ttl_without_a_refresh_token_reports_a_short_lifetime() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.refreshes = false);
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    sandbox.run(&["token", "--min-ttl", "2h"]).fails(1).says("are not valid for 2 hours");
}
