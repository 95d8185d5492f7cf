//! The scopes that a login requests.

use serde_json::{Value, json};

use super::{Resource, authorization, empty, registering};
use crate::support::http::Reply;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn step_up_requests_the_union_of_scopes() {
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    let url = resource.url();
    sandbox.run(&["login", &url]).ok();
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"files:write\"";
    sandbox.run(&["login", &url, "--challenge", challenge]).ok();
    assert_eq!(authorization(&server, "scope").unwrap(), "files:read files:write offline_access");
    assert_eq!(server.requests_to("/register").len(), 1, "the same client");
    // For any other challenge, its scopes are requested.
    sandbox.run(&["login", &url, "--challenge", "Bearer scope=\"files:write\""]).ok();
    assert_eq!(authorization(&server, "scope").unwrap(), "files:write offline_access");
    sandbox.run(&["login", "--challenge", challenge]).fails(2);
}

#[test]
fn a_client_is_registered_for_all_scopes() {
    let registered = |server: &AuthorizationServer| -> Vec<Value> {
        let bodies = server.requests_to("/register");
        bodies
            .iter()
            .map(|request| serde_json::from_str::<Value>(&request.body).unwrap()["scope"].clone())
            .collect()
    };
    // The registration includes scopes that a later login may need.
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(registered(&server), ["files:read files:write offline_access"]);
    assert_eq!(authorization(&server, "scope").unwrap(), "files:read offline_access", "and not asked for");
    // A scope outside the registration needs another one.
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"files:delete\"";
    sandbox.run(&["login", &resource.url(), "--challenge", challenge]).ok();
    let all = "files:delete files:read files:write offline_access";
    assert_eq!(registered(&server), ["files:read files:write offline_access", all]);
    sandbox.run(&["login", &resource.url(), "--scope", "files:delete"]).ok();
    assert_eq!(registered(&server).len(), 2);

    // A server that registers only its own scopes chooses them itself, and may be asked for any.
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    let refusal = json!({ "error": "invalid_client_metadata", "error_description": "scope" });
    server.fault("/register", Reply::json(400, &refusal));
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(registered(&server), [json!("files:read files:write offline_access"), Value::Null]);
    sandbox.run(&["login", &resource.url(), "--challenge", challenge]).ok();
    assert_eq!(registered(&server).len(), 2);
    // Scopes that the server leaves out are not requested again.
    let (server, sandbox) = (registering(), empty());
    server.set(|behaviour| behaviour.registers = json!({ "scope": "files:read" }).as_object().cloned());
    let resource = Resource::of(&server);
    sandbox.run(&["login", &resource.url()]).ok();
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(registered(&server).len(), 1);
}

#[test]
fn offline_access_is_requested_with_consent() {
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(authorization(&server, "prompt").unwrap(), "consent", "OpenID Connect Core section 11");
    let discovered = std::fs::read_to_string(sandbox.path("state/learned.toml")).unwrap();
    assert!(discovered.starts_with("# Written by authctl"), "{discovered}");
    // Without it, the user is not asked to consent more often than necessary.
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.registers = Some(serde_json::Map::new()));
    resource.publish(
        "/.well-known/oauth-protected-resource/mcp",
        json!({ "resource": resource.url(), "authorization_servers": [server.issuer()] }),
    );
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(authorization(&server, "prompt"), None);
}

#[test]
fn default_scopes_come_from_the_resource_not_the_server() {
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    resource.challenge("Bearer realm=\"x\"");
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(authorization(&server, "scope").unwrap(), "files:read files:write offline_access");
    resource.publish(
        "/.well-known/oauth-protected-resource/mcp",
        json!({ "resource": resource.url(), "authorization_servers": [server.issuer()], "scopes_supported": [] }),
    );
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(authorization(&server, "scope").unwrap(), "offline_access", "an empty list is ignored");
}

#[test]
fn a_challenge_is_answered_for_a_configured_provider_too() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::new(&format!(
        "store = \"file\"\n[credentials.as]\ndomain = \"{0}\"\nscheme = \"http\"\nurl = \"http://{0}/mcp\"\n[credentials.as.oauth]\nclient_id = \"app\"\nscopes = [\"openid\", \"offline_access\"]\n",
        server.domain()
    ));
    let url = format!("{}/mcp", server.issuer());
    for (challenge, want) in [
        ("Bearer error=\"insufficient_scope\", scope=\"sudo\"", "offline_access openid sudo"),
        ("Bearer scope=\"sudo\"", "offline_access sudo"),
        ("Bearer error=\"invalid_token\"", "offline_access openid"),
    ] {
        for provider in [url.as_str(), "as"] {
            sandbox.run(&["login", provider, "--challenge", challenge]).ok();
            assert_eq!(authorization(&server, "scope").unwrap(), want, "{challenge}");
        }
    }
}
