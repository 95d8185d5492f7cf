//! The client ID without registration.

use serde_json::{Value, json};

use super::{Resource, authorization, empty, registering};
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn a_client_metadata_document_is_preferred_to_registration() {
    let server = registering();
    let id = "https://app.example/authctl.json";
    server.set(|behaviour| {
        behaviour.client_id = id.to_owned();
        behaviour.metadata.insert("client_id_metadata_document_supported".to_owned(), true.into());
    });
    let resource = Resource::of(&server);
    let sandbox = Sandbox::new(&format!("store = \"file\"\nclient_id_metadata = \"{id}\"\n"));
    let document: Value = serde_json::from_str(&sandbox.run(&["client-metadata"]).ok().stdout).unwrap();
    assert_eq!(
        (&document["client_id"], &document["token_endpoint_auth_method"]),
        (&json!(id), &json!("none"))
    );
    assert_eq!(document["redirect_uris"][0], "http://127.0.0.1/callback");
    sandbox.run(&["login", &resource.url()]).ok();
    assert!(server.requests_to("/register").is_empty(), "C6");
    assert_eq!(authorization(&server, "client_id").unwrap(), id);
    // A server that supports neither registers a client.
    let server = registering();
    let resource = Resource::of(&server);
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(server.requests_to("/register").len(), 1);

    empty().run(&["client-metadata"]).fails(2).says("the document's URL is missing");
    empty().run(&["client-metadata", "https://app.example"]).fails(2).says("have a path");
    let wrong = Sandbox::new("client_id_metadata = \"http://app.example/x\"\n");
    wrong.run(&["config", "check"]).fails(4).says("`client_id_metadata` cannot be used");
}

#[test]
fn without_registration_a_client_id_is_required() {
    let (server, sandbox) = (AuthorizationServer::start(), empty());
    let resource = Resource::of(&server);
    let url = resource.url();
    sandbox
        .run(&["login", &url])
        .fails(4)
        .says("does not support client registration")
        .says(&format!("authctl login {url} --client-id ID"));
    sandbox.run(&["login", &url, "--client-id", "app"]).ok();
    sandbox.run(&["login", &url]).ok();
    // Not the server that the client ID was given for.
    let other = registering();
    resource.publish(
        "/.well-known/oauth-protected-resource/mcp",
        json!({ "resource": url, "authorization_servers": [other.issuer()] }),
    );
    sandbox.run(&["login", &url]).fails(4).says("belongs to").says(&other.issuer());
    assert!(other.requests_to("/register").is_empty() && other.requests_to("/authorize").is_empty());
    sandbox.run(&["token", &url, "--refresh"]).ok();
    assert!(other.requests_to("/token").is_empty(), "the stored client ID is not used for the other server");
}
