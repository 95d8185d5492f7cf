//! `authctl logout` (RFC 7009)

use serde_json::json;

use crate::support::http::Reply;
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn logout_revokes_the_refresh_token_first() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    sandbox.run(&["logout"]).ok();
    let hints: Vec<_> =
        server.requests_to("/revoke").iter().map(|request| request.parameter("token_type_hint")).collect();
    assert_eq!(hints, [Some("refresh_token".to_owned()), Some("access_token".to_owned())]);
    assert!(server.any_family_revoked());
}

#[test]
fn logout_always_succeeds_locally() {
    for (name, reply, status, said) in [
        (
            "V2 503",
            Reply::full(503, &[("retry-after", "9")], ""),
            1,
            "could not be revoked and may still be valid",
        ),
        (
            "unsupported",
            Reply::json(400, &json!({ "error": "unsupported_token_type" })),
            0,
            "cannot revoke tokens of this type",
        ),
        ("gone", Reply::Drop, 1, "no response from"),
        ("F-REDIR", Reply::redirect(307, "https://evil.example/?t=1"), 1, "redirects to `evil.example`"),
    ] {
        let server = AuthorizationServer::start();
        let sandbox = Sandbox::with_server(&server.domain());
        sandbox.run(&["login"]).ok();
        server.fault("/revoke", reply);
        let output = sandbox.run(&["logout"]).fails(status);
        assert!(output.stderr.contains(said), "{name}: {output}");
        assert!(output.stderr.contains("deleted from an encrypted file"), "{name}: {output}");
        sandbox.run(&["token"]).fails(3);
    }
}

#[test]
fn logout_works_locally_and_without_revocation() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    let before = server.requests().len();
    sandbox.run(&["logout", "--local"]).ok().says("The server was not contacted: --local was given");
    assert_eq!(server.requests().len(), before);
    sandbox.configure(&server_config(&server.domain(), "capabilities = { revoke = false }"));
    sandbox.run(&["login"]).ok();
    sandbox.run(&["logout"]).ok().says("The server does not support revocation");
}

#[test]
fn a_login_of_a_removed_provider_can_be_deleted() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    sandbox.configure("[credentials.other]\ndomain = \"x.example\"\njwt = \"x\"");
    sandbox.run(&["logout", "as"]).ok().says("not the one that this login belongs to");
    sandbox.run(&["logout", "nonsense"]).fails(4).says("the provider `nonsense` is not configured");
    sandbox.run(&["logout", "--all"]).ok().says("You are not logged in to any provider");
}

#[test]
fn a_revocation_endpoint_on_another_host_gets_no_token() {
    // The API's host publishes its own metadata; the authorization server is configured by its endpoints.
    let (api, server) = (AuthorizationServer::start(), AuthorizationServer::start());
    let endpoints = format!(
        "authorization_endpoint = \"{0}/authorize\"\ntoken_endpoint = \"{0}/token\"",
        server.issuer()
    );
    let sandbox = Sandbox::new(&server_config(&api.domain(), &endpoints).replace("\"openid\", ", ""));
    sandbox.run(&["login"]).ok();
    sandbox.run(&["whoami"]).fails(1);
    sandbox.run(&["logout"]).ok().says("does not support revocation");
    for request in api.requests() {
        assert!(request.body.is_empty() && request.header("authorization").is_none(), "{request:?}");
    }
}

#[test]
fn a_configuration_that_is_wrong_loses_nothing_that_could_be_revoked() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    sandbox.configure("[credentials.as\n");
    sandbox.run(&["logout", "as"]).fails(4).says("invalid TOML");
    sandbox.configure(&server_config(&server.domain(), ""));
    sandbox.run(&["token"]).ok();
    for wrong in ["profile = \"nope\"", "profile = 5", "default = \"nope\"", "nonsense"] {
        sandbox.write("work/.authctl.toml", wrong);
        sandbox.run(&["token"]).fails(4);
    }
    sandbox.run(&["logout"]).ok().says("The server revoked");
}

/// The logout request and the provider's host check; without the flag, authctl sends nothing.
#[test]
fn the_server_session_ends_only_on_request() {
    let server = AuthorizationServer::start();
    let uri = "post_logout_redirect_uri = \"http://127.0.0.1/logged-out\"";
    let sandbox = Sandbox::new(&server_config(&server.domain(), uri));
    sandbox.run(&["login"]).ok();
    sandbox.run(&["logout"]).ok();
    assert!(server.requests_to("/end-session").is_empty(), "L4");

    sandbox.run(&["login"]).ok();
    sandbox.run(&["logout", "--end-session"]).ok().says("Your session at the server has ended");
    let request = &server.requests_to("/end-session")[0];
    assert_eq!(request.parameter("client_id").as_deref(), Some("app"));
    assert_eq!(request.parameter("state").unwrap().len(), 43);
    assert!(request.parameter("id_token_hint").is_some(), "L1");
    assert!(request.parameter("post_logout_redirect_uri").unwrap().ends_with("/logged-out"));
    sandbox.run(&["token"]).fails(3);

    // Without a registered redirect URI, authctl opens the browser and does not wait.
    sandbox.configure(&server_config(&server.domain(), ""));
    sandbox.run(&["login"]).ok();
    sandbox.run(&["logout", "--end-session"]).ok().says("Your browser was sent to the server");

    server.set(|behaviour| {
        drop(behaviour.metadata.insert("end_session_endpoint".to_owned(), serde_json::Value::Null))
    });
    sandbox.run(&["login", "--refresh-metadata"]).ok();
    sandbox
        .run(&["logout", "--end-session"])
        .fails(1)
        .says("does not offer a logout in the browser")
        .says("The server revoked the refresh token");
    sandbox.run(&["token"]).fails(3);
}

#[test]
fn an_interrupted_browser_logout_keeps_the_login() {
    let server = AuthorizationServer::start();
    let uri = "post_logout_redirect_uri = \"http://127.0.0.1/logged-out\"";
    let mut sandbox = Sandbox::new(&server_config(&server.domain(), uri));
    sandbox.run(&["login"]).ok();
    sandbox.system.browser = std::sync::Arc::new(crate::support::browsers::Absent::default());
    *sandbox.signals.0.lock().unwrap() = Some(2);
    sandbox.run(&["logout", "--end-session"]).fails(130);
    assert!(server.requests_to("/revoke").is_empty());
    *sandbox.signals.0.lock().unwrap() = None;
    sandbox.run(&["token"]).ok();
}
