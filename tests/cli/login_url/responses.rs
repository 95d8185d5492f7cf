//! What the registration endpoint answers.

use std::sync::Arc;

use serde_json::json;

use super::{Resource, authorization, empty, registering};
use crate::support::browsers::Never;
use crate::support::http::Reply;

#[test]
fn registration_responses_are_handled() {
    for (name, members, status, says) in [
        (
            "another redirect URI",
            json!({ "redirect_uris": ["http://127.0.0.1:1/other"] }),
            1,
            "another redirect URI",
        ),
        ("no client", json!({ "client_id": null }), 1, "it has no client_id"),
        (
            "an unknown method",
            json!({ "token_endpoint_auth_method": "dance" }),
            1,
            "token_endpoint_auth_method is `dance`",
        ),
    ] {
        let (server, mut sandbox) = (registering(), empty());
        sandbox.system.browser = Arc::new(Never);
        server.set(|behaviour| behaviour.registers = members.as_object().cloned());
        let resource = Resource::of(&server);
        let output = sandbox.run(&["login", &resource.url()]).fails(status).says(says);
        assert!(output.stderr.contains("the server did not register the client"), "{name}: {output}");
    }
    for (error, status, says) in [
        ("invalid_redirect_uri", 1, "register an app there manually"),
        ("invalid_client_metadata", 1, "`invalid_client_metadata`"),
        ("temporarily_unavailable", 5, "the server did not register the client"),
    ] {
        let (server, mut sandbox) = (registering(), empty());
        sandbox.system.browser = Arc::new(Never);
        // The first rejection may have been because of the scopes.
        for _ in 0..2 {
            server.fault("/register", Reply::json(400, &json!({ "error": error })));
        }
        let resource = Resource::of(&server);
        sandbox.run(&["login", &resource.url()]).fails(status).says(says);
    }
}

#[test]
fn a_registration_with_a_taken_port_or_expired_secret_is_replaced() {
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    sandbox.run(&["login", &resource.url()]).ok();
    let redirect: url::Url = authorization(&server, "redirect_uri").unwrap().parse().unwrap();
    let taken = std::net::TcpListener::bind(("127.0.0.1", redirect.port().unwrap())).unwrap();
    server.set(|behaviour| behaviour.client_id = "another-app".to_owned());
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(server.requests_to("/register").len(), 2);
    assert_ne!(authorization(&server, "redirect_uri").unwrap(), redirect.to_string());
    assert_eq!(server.requests_to("/register/1").len(), 1, "the previous one is deleted");
    drop(taken);
    sandbox.run(&["logout", &resource.url()]).ok();
    assert!(
        sandbox.stores_nothing(),
        "{:?}",
        sandbox.files().iter().map(|(path, _)| path).collect::<Vec<_>>()
    );

    server.set(|behaviour| {
        behaviour.client_secret = Some("secret-canary".to_owned());
        behaviour
            .metadata
            .insert("token_endpoint_auth_methods_supported".to_owned(), json!(["client_secret_basic"]));
        let ends = jiff::Timestamp::now().as_second() + 1000;
        behaviour.registers = json!({ "client_secret_expires_at": ends }).as_object().cloned();
    });
    let sandbox = empty();
    sandbox.run(&["login", &resource.url()]).ok();
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(server.requests_to("/register").len(), 3);
    sandbox.clock.advance(1001);
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(server.requests_to("/register").len(), 4, "G2");
}
