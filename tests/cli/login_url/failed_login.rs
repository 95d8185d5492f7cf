//! A login that fails changes nothing stored.

use serde_json::json;

use super::{Resource, authorization, discovered, empty, refuse_tokens, registering};
use crate::support::http::Reply;
use crate::support::{AuthorizationServer, Sandbox};

/// The file of the discovered providers, and whether its token can be refreshed.
fn state(sandbox: &Sandbox, url: &str) -> (String, bool) {
    let discovered = sandbox.files().into_iter().find(|(path, _)| path.ends_with("learned.toml")).unwrap().1;
    (String::from_utf8(discovered).unwrap(), sandbox.run(&["token", url, "--refresh"]).status == 0)
}

#[test]
fn a_failed_login_leaves_the_previous_one_unchanged() {
    let (server, other, sandbox) = (registering(), registering(), empty());
    let resource = Resource::of(&server);
    let url = resource.url();
    sandbox.run(&["login", &url]).ok();
    let before = state(&sandbox, &url);
    assert!(before.1);
    let refusal = || Reply::full(400, &[], r#"{"error":"invalid_grant"}"#);
    // Another program uses the registration's port, so authctl registers another client.
    let redirect: url::Url = authorization(&server, "redirect_uri").unwrap().parse().unwrap();
    let taken = std::net::TcpListener::bind(("127.0.0.1", redirect.port().unwrap())).unwrap();
    server.set(|behaviour| behaviour.client_id = "another-app".to_owned());
    server.fault("/token", refusal());
    sandbox.run(&["login", &url]).fails(1);
    assert_eq!(server.requests_to("/register").len(), 2);
    assert_eq!(server.requests_to("/register/1").len(), 1, "no provider uses the new one");
    server.set(|behaviour| behaviour.client_id = "app".to_owned());
    assert_eq!(state(&sandbox, &url), before);
    drop(taken);
    // The resource has another authorization server.
    resource.publish(
        "/.well-known/oauth-protected-resource/mcp",
        json!({ "resource": url, "authorization_servers": [other.issuer()] }),
    );
    other.fault("/token", refusal());
    sandbox.run(&["login", &url]).fails(1);
    assert_eq!(state(&sandbox, &url), before);
    other.fault("/register", Reply::full(500, &[], ""));
    sandbox.run(&["login", &url]);
    assert_eq!(state(&sandbox, &url), before);
}

#[test]
fn a_wrong_client_id_is_not_stored() {
    let (server, sandbox) = (AuthorizationServer::start(), empty());
    let resource = Resource::of(&server);
    let url = resource.url();
    server.fault("/token", Reply::full(401, &[], r#"{"error":"invalid_client"}"#));
    server.set(|behaviour| behaviour.client_id = "slip".to_owned());
    sandbox.run(&["login", &url, "--client-id", "slip"]).fails(1);
    server.set(|behaviour| behaviour.client_id = "app".to_owned());
    sandbox.run(&["login", &url]).fails(4).says("--client-id ID");
    sandbox.run(&["login", &url, "--client-id", "app"]).ok();
    // A configured provider's client is changed in the config file.
    let configured = Sandbox::with_server(&server.domain());
    configured.run(&["login", "as", "--client-id", "other"]).fails(2).says("provider set as client_id=ID");
    assert!(!configured.files().iter().any(|(path, _)| path.ends_with("learned.toml")));
}

#[test]
fn a_login_that_fails_leaves_the_file_of_discovered_providers_alone() {
    let (server, other, sandbox) = (registering(), registering(), empty());
    let resource = Resource::of(&server);
    let url = resource.url();
    sandbox.run(&["login", &url]).ok();
    let before = discovered(&sandbox);
    assert!(before.is_some());
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"files:write\"";
    refuse_tokens(&server);
    sandbox.run(&["login", &url, "--challenge", challenge]).fails(1);
    assert_eq!(discovered(&sandbox), before, "other scopes");
    refuse_tokens(&server);
    server.set(|behaviour| behaviour.client_id = "slip".to_owned());
    sandbox.run(&["login", &url, "--client-id", "slip"]).fails(1);
    server.set(|behaviour| behaviour.client_id = "app".to_owned());
    assert_eq!(discovered(&sandbox), before, "another client");
    resource.publish(
        "/.well-known/oauth-protected-resource/mcp",
        json!({ "resource": url, "authorization_servers": [other.issuer()] }),
    );
    refuse_tokens(&other);
    sandbox.run(&["login", &url]).fails(1);
    assert_eq!(discovered(&sandbox), before, "another authorization server");
    assert_eq!(other.requests_to("/register/1").len(), 1);
    sandbox.run(&["token", &url, "--refresh"]).ok();
    // A second login that succeeds changes nothing either.
    resource.publish(
        "/.well-known/oauth-protected-resource/mcp",
        json!({ "resource": url, "authorization_servers": [server.issuer()], "scopes_supported": ["files:read", "files:write"] }),
    );
    sandbox.run(&["login", &url]).ok();
    assert_eq!(discovered(&sandbox), before, "the same URL again");
    assert_eq!(server.requests_to("/register").len(), 1);
}
