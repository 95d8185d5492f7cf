//! The main job: not logged in, login, token, expired, refreshed, logout.

use crate::support::{AuthorizationServer, Sandbox};

/// Only the browser asks for a password; the server rejects any token request that is not a clean POST; F-CTRL4: the host and
/// the redirect are shown before the browser opens; the endpoints come from metadata.
#[test]
fn a_first_login_ends_with_a_logout() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());

    let output = sandbox.run(&["token"]).fails(3);
    assert_eq!(
        output.stderr,
        "error: no usable token for `as`\n  caused by: you are not logged in\nhint: run `authctl login as`\n"
    );

    let output = sandbox.run(&["login"]).ok();
    assert_eq!(output.stdout, "");
    for said in [
        "log in at 127.0.0.1",
        "✓ Logged in to as as alice",
        "Scopes: openid repo",
        "expires in 1 hour and refreshes automatically",
        "Stored in an encrypted file",
    ] {
        assert!(output.stderr.contains(said), "{said}: {output}");
    }

    let first = sandbox.run(&["token"]).ok();
    assert!(server.accepts(first.text()), "{first}");
    assert_eq!(sandbox.run(&["token", "as"]).ok(), first, "the cached token");
    assert_eq!(server.token_requests("refresh_token"), 0);

    let status = sandbox.run(&["status"]).ok();
    for shown in ["as", "alice", "valid", "in 1 hour", "file", "openid repo"] {
        assert!(status.stdout.contains(shown), "{shown}: {status}");
    }
    let whoami = sandbox.run(&["whoami"]).ok();
    assert!(whoami.stdout.contains("preferred_username  alice"), "{whoami}");

    sandbox.clock.advance(3600);
    assert!(sandbox.run(&["status"]).ok().stdout.contains("refreshes at next use"));
    let second = sandbox.run(&["token"]).ok();
    assert_ne!(first, second);
    assert!(server.accepts(second.text()));
    assert_eq!(server.token_requests("refresh_token"), 1);
    assert_eq!(sandbox.run(&["token"]).ok(), second);

    let output = sandbox.run(&["logout"]).ok();
    for said in [
        "deleted from an encrypted file",
        "The server revoked the refresh token.",
        "The server revoked the access token.",
    ] {
        assert!(output.stderr.contains(said), "{said}: {output}");
    }
    assert!(!server.accepts(second.text()));
    sandbox.run(&["token"]).fails(3).says("you are not logged in");
    sandbox.run(&["logout"]).ok().says("You were not logged in to as.");
}

#[test]
fn a_token_revoked_early_is_refreshed_once() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    let token = sandbox.run(&["token"]).ok();
    let refused = || {
        crate::support::http::Reply::full(401, &[("www-authenticate", "Bearer error=\"invalid_token\"")], "")
    };
    server.fault("/userinfo", refused());
    sandbox.run(&["whoami"]).ok();
    assert_eq!(server.token_requests("refresh_token"), 1);
    assert_ne!(sandbox.run(&["token"]).ok(), token);
    server.fault("/userinfo", refused()).fault("/userinfo", refused());
    sandbox.run(&["whoami"]).fails(1).says("no longer accepts the access token");
    assert_eq!(server.token_requests("refresh_token"), 2, "one retry, no loop");
    let scope = [("www-authenticate", "Bearer error=\"insufficient_scope\", scope=\"profile\"")];
    server.fault("/userinfo", crate::support::http::Reply::full(403, &scope, ""));
    sandbox
        .run(&["whoami"])
        .fails(1)
        .says("does not allow a userinfo request (status 403): it needs the scope profile");
    assert!(server.requests().iter().all(|request| !request.target.contains("access")), "no token in a URL");
}
