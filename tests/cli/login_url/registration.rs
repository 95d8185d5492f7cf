//! When authctl registers a new client.

use serde_json::json;

use super::{Resource, empty, registering};
use crate::support::http::Reply;

#[test]
fn a_new_issuer_gets_a_new_registration_and_no_old_secret() {
    let (first, second) = (registering(), registering());
    first.set(|behaviour| {
        behaviour.client_secret = Some("first-canary".to_owned());
        behaviour
            .metadata
            .insert("token_endpoint_auth_methods_supported".to_owned(), json!(["client_secret_basic"]));
    });
    let sandbox = empty();
    let resource = Resource::of(&first);
    sandbox.run(&["login", &resource.url()]).ok();
    resource.publish(
        "/.well-known/oauth-protected-resource/mcp",
        json!({ "resource": resource.url(), "authorization_servers": [second.issuer()] }),
    );
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(second.requests_to("/register").len(), 1);
    assert!(second.accepts(sandbox.run(&["token", &resource.url()]).ok().text()));
    for request in second.requests() {
        let all = format!("{}{:?}{}", request.target, request.headers, request.body);
        assert!(!all.contains("first-canary"), "{all}");
        assert!(request.header("authorization").is_none_or(|header| !header.starts_with("Basic")), "{all}");
    }
}

#[test]
fn a_registration_the_server_forgot_is_replaced() {
    for (name, status, says) in [
        ("deleted", 204, "was deleted too"),
        ("gone, or managed with another token", 401, "or rejected its registration token"),
        ("in trouble", 503, "could not be deleted at the server"),
    ] {
        let (server, sandbox) = (registering(), empty());
        let resource = Resource::of(&server);
        sandbox.run(&["login", &resource.url()]).ok();
        server.fault("/register/1", Reply::full(status, &[], ""));
        let left = sandbox.run(&["logout", &resource.url()]).ok();
        assert!(left.stderr.contains(says), "{name}: {left}");
        sandbox.run(&["token", &resource.url()]).fails(3);
    }
}
