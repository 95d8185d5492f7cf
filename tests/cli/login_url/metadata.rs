//! The resource's and the server's metadata.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Resource, authorization, empty, registering};
use crate::support::browsers::Never;
use crate::support::http::Reply;

#[test]
fn each_mcp_revision_finds_its_metadata() {
    let path = "/.well-known/oauth-protected-resource/mcp";
    let root = "/.well-known/oauth-protected-resource";
    // 2025-06-18: the challenge contains the metadata's URL.
    let server = registering();
    let resource = Resource::of(&server);
    let elsewhere = format!("{}/meta", resource.server.url());
    let metadata = json!({ "resource": resource.url(), "authorization_servers": [server.issuer()] });
    resource.publish_nothing().publish("/meta", metadata.clone());
    resource.challenge(&format!("Bearer resource_metadata=\"{elsewhere}\""));
    empty().run(&["login", &resource.url()]).ok();
    assert!(!resource.paths().iter().any(|path| path.starts_with("/.well-known")), "{:?}", resource.paths());

    // 2025-11-25: otherwise at the resource's well-known URL, then at its host's.
    let resource = Resource::of(&server);
    resource.no_challenge();
    empty().run(&["login", &resource.url()]).ok();
    assert_eq!(resource.paths(), ["/mcp", path]);
    let resource = Resource::of(&server);
    let metadata = json!({ "resource": resource.server.url(), "authorization_servers": [server.issuer()] });
    resource.challenge("Bearer").publish_nothing().publish(root, metadata);
    empty().run(&["login", &resource.url()]).ok();
    assert_eq!(resource.paths(), ["/mcp", path, root]);
    assert_eq!(
        authorization(&server, "resource").unwrap(),
        resource.server.url(),
        "what the metadata is about"
    );

    // 2025-03-26, which had no such metadata: the resource's host is the authorization server.
    let server = registering();
    let sandbox = empty();
    server.fault("/mcp/.well-known/openid-configuration", Reply::full(404, &[], ""));
    server.fault("/mcp", Reply::full(401, &[("www-authenticate", "Bearer scope=\"a\"")], ""));
    sandbox.run(&["login", &format!("{}/mcp", server.issuer())]).ok();
    assert_eq!(authorization(&server, "resource").unwrap(), format!("{}/mcp", server.issuer()));
    assert_eq!(authorization(&server, "scope").unwrap(), "a offline_access");
}

#[test]
fn a_resource_whose_server_lacks_pkce_is_refused() {
    for methods in [Value::Null, json!([]), json!(["plain"])] {
        let (server, mut sandbox) = (registering(), empty());
        sandbox.system.browser = Arc::new(Never);
        server.set(|behaviour| {
            drop(behaviour.metadata.insert("code_challenge_methods_supported".to_owned(), methods))
        });
        let resource = Resource::of(&server);
        sandbox.run(&["login", &resource.url()]).fails(1).says("does not announce support for PKCE (S256)");
        assert!(server.requests_to("/register").is_empty());
    }
}

#[test]
fn a_resources_metadata_must_name_its_own_issuer_f_url6() {
    let (server, mut sandbox) = (registering(), empty());
    sandbox.system.browser = Arc::new(Never);
    server.set(|behaviour| {
        drop(behaviour.metadata.insert("issuer".to_owned(), "https://other.example".into()))
    });
    let resource = Resource::of(&server);
    sandbox.run(&["login", &resource.url()]).fails(1).says("is for the issuer");
    assert!(server.requests_to("/register").is_empty() && server.requests_to("/authorize").is_empty());
}
