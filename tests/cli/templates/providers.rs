//! Providers whose answers differ from the standard.

use serde_json::json;

use crate::support::http::Reply;
use crate::support::{AuthorizationServer, Sandbox};

/// A template with the embedded server instead of the provider's.
fn at(server: &AuthorizationServer, name: &str, more: &str) -> Sandbox {
    let url = server.issuer();
    Sandbox::new(&format!(
        "store = \"file\"\n[credentials.x]\ntemplate = \"{name}\"\ndomain = \"{}\"\nscheme = \"http\"\nhosts = []\n[credentials.x.oauth]\nissuer = \"{url}\"\nauthorization_endpoint = \"{url}/authorize\"\ntoken_endpoint = \"{url}/token\"\nuserinfo_endpoint = \"{url}/userinfo\"\nrevocation_endpoint = \"{url}/revoke\"\nredirect_uri = \"http://127.0.0.1/callback\"\nclient_id = \"app\"\n{more}",
        server.domain()
    ))
}

/// Scopes are requested with commas (Linear, Strava) or returned as an array (Twitch).
#[test]
fn scopes_come_as_an_array() {
    for (name, asked) in [("linear", "read,write"), ("twitch", "read write"), ("strava", "read,write")] {
        let server = AuthorizationServer::start();
        server.set(|behaviour| {
            behaviour.client_secret = Some("s".to_owned());
            drop(behaviour.token_members.insert("scope".to_owned(), json!(["read", "write"])));
        });
        let sandbox = at(&server, name, "_client_secret = \"s\"\nscopes = [\"read\", \"write\"]\n");
        sandbox.run(&["login"]).ok();
        let authorization = server.requests_to("/authorize").remove(0);
        assert_eq!(authorization.parameter("scope").as_deref(), Some(asked), "{name}");
        let token = server.requests_to("/token").remove(0);
        assert_eq!(token.parameter("client_secret").as_deref(), Some("s"), "{name}");
        assert!(sandbox.run(&["status", "x"]).ok().stdout.contains("read write"), "{name}");
        sandbox.run(&["token", "--refresh"]).ok();
        // A member that is not a list of scopes makes the response invalid.
        server.set(|behaviour| drop(behaviour.token_members.insert("scope".to_owned(), json!([1]))));
        sandbox
            .run(&["token", "--refresh"])
            .fails(1)
            .says("its `scope` is an array that contains something other than strings");
    }
}

/// The user's token is nested and has its own type; its scopes are requested under another name.
#[test]
fn slacks_user_token() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.client_secret = Some("s".to_owned()));
    let sandbox = at(&server, "slack", "_client_secret = \"s\"\nscopes = [\"users:read\", \"chat:write\"]\n");
    let user = json!({ "id": "U1", "access_token": "xoxp-canary", "token_type": "user", "scope": "chat:write,users:read" });
    server.fault(
        "/token",
        Reply::json(
            200,
            &json!({ "ok": true, "access_token": "xoxb-canary", "token_type": "bot", "authed_user": user }),
        ),
    );
    sandbox.run(&["login"]).ok();
    let authorization = server.requests_to("/authorize").remove(0);
    assert_eq!(authorization.parameter("user_scope").as_deref(), Some("chat:write,users:read"));
    assert_eq!(authorization.parameter("scope"), None);
    assert_eq!(sandbox.run(&["token"]).ok().text(), "xoxp-canary");
    server.fault("/token", Reply::json(200, &json!({ "ok": false, "error": "invalid_code" })));
    sandbox.run(&["login"]).fails(1).says("invalid_code");
}

/// Figma has a separate endpoint for refreshing, and can leave out the token type.
#[test]
fn figma_refreshes_at_its_own_endpoint() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| {
        behaviour.client_secret = Some("s".to_owned());
        drop(behaviour.token_members.insert("token_type".to_owned(), json!(null)));
    });
    let more = format!("_client_secret = \"s\"\nrefresh_endpoint = \"{}/refresh\"\n", server.issuer());
    let sandbox = at(&server, "figma", &more);
    sandbox.run(&["login"]).ok();
    assert!(
        server.requests_to("/token")[0]
            .header("authorization")
            .is_some_and(|value| value.starts_with("Basic "))
    );
    server.fault(
        "/refresh",
        Reply::json(200, &json!({ "access_token": "refreshed-canary", "expires_in": 60 })),
    );
    assert_eq!(sandbox.run(&["token", "--refresh"]).ok().text(), "refreshed-canary");
    let refresh = server.requests_to("/refresh").remove(0);
    assert_eq!(refresh.parameter("grant_type").as_deref(), Some("refresh_token"));
}

/// A template decides how a client with a secret authenticates; a client without a secret sends none.
#[test]
fn a_public_client_needs_no_secret_for_its_template() {
    for name in ["github", "zoom", "airtable"] {
        let server = AuthorizationServer::start();
        let sandbox = at(&server, name, "");
        sandbox.run(&["login"]).ok();
        let request = server.requests_to("/token").remove(0);
        assert_eq!(request.parameter("client_id").as_deref(), Some("app"), "{name}");
        assert!(request.header("authorization").is_none() && request.parameter("client_secret").is_none());
        // A method that the user writes is used.
        let sandbox = at(&server, name, "token_endpoint_auth_method = \"client_secret_basic\"\n");
        sandbox.run(&["login"]).fails(4).says("`client_secret` is not set");
    }
}
