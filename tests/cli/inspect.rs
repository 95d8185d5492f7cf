//! `authctl inspect`

use serde_json::{Value, json};

use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn inspect_shows_claims_and_introspection() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["inspect"]).fails(3);
    sandbox.run(&["login"]).ok();
    let opaque = sandbox.run(&["inspect"]).ok();
    for shown in ["The access token is opaque", "Introspection", "active  true", "id-of-alice", "\\u{1b}[31m"]
    {
        assert!(opaque.stdout.contains(shown), "{shown}: {opaque}");
    }
    let token = sandbox.run(&["token"]).ok();
    assert!(!opaque.stdout.contains(token.text()), "the token itself is not shown");
    let introspection = &server.requests_to("/introspect")[0];
    assert_eq!(introspection.parameter("token_type_hint").as_deref(), Some("access_token"));

    let id = sandbox.run(&["inspect", "--id-token"]).ok();
    for shown in
        ["Header of the ID token", "alg  ES256", "sub", "id-of-alice", ", in 1 hour)", "Signature: valid"]
    {
        assert!(id.stdout.contains(shown), "{shown}: {id}");
    }
    // The server now signs with another key and publishes only that one, so older tokens no longer verify.
    server.rotate_key();
    let rotated = sandbox.run(&["inspect", "--id-token"]).ok();
    assert!(rotated.stdout.contains("signed by one of the server's keys"), "the cached keys: {rotated}");
    sandbox.run(&["login", "--refresh-metadata"]).ok();
    let renewed = sandbox.run(&["inspect", "--id-token"]).ok();
    assert!(renewed.stdout.contains("signed by one of the server's keys"), "M7: {renewed}");

    let inspected: Value = serde_json::from_str(&sandbox.run(&["inspect", "--json"]).ok().stdout).unwrap();
    assert_eq!(inspected["format"], "opaque");
    assert_eq!(inspected["introspection"]["active"], true);
    assert_eq!(inspected["signature"], json!({ "verified": null, "reason": "it is not a JWT" }));
}

#[test]
fn inspect_refetches_keys_before_it_calls_a_token_forged() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    // An access token that is a JWT signed by an unknown key.
    let forged = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJtYWxsb3J5IiwiZXhwIjo0MDAwMDAwMDAwfQ.c2lnc2ln";
    server.set(|behaviour| drop(behaviour.token_members.insert("access_token".to_owned(), forged.into())));
    sandbox.run(&["token", "--refresh"]).ok();
    let before = server.requests_to("/jwks").len();
    let output = sandbox.run(&["inspect"]).ok();
    assert!(
        output.stdout.contains("Signature: not valid (not signed by any of the server's keys"),
        "{output}"
    );
    assert_eq!(server.requests_to("/jwks").len(), before + 1, "fetches fresh keys before it rejects");
    let hmac = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln";
    server.set(|behaviour| drop(behaviour.token_members.insert("access_token".to_owned(), hmac.into())));
    sandbox.run(&["token", "--refresh"]).ok();
    assert!(sandbox.run(&["inspect"]).ok().stdout.contains("`HS256` is not a public-key algorithm"));
}

#[test]
fn inspect_succeeds_if_introspection_is_denied() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    let refused = crate::support::http::Reply::json(401, &json!({ "error": "invalid_client" }));
    server.fault("/introspect", refused);
    let output = sandbox.run(&["inspect"]).ok();
    assert!(output.stdout.contains("rejected the request: `invalid_client`"), "{output}");
    sandbox.configure(&server_config(&server.domain(), "capabilities = { introspect = false }"));
    let count = server.requests_to("/introspect").len();
    sandbox.run(&["inspect"]).ok();
    assert_eq!(server.requests_to("/introspect").len(), count);
    let static_token = Sandbox::new(
        "[credentials.x]\ndomain = \"x.example\"\njwt = \"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln\"\n",
    );
    let output = static_token.run(&["inspect"]).ok();
    assert!(output.stdout.contains("not checked: no server is configured"), "{output}");
}
