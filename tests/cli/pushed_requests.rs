//! Pushed (RFC 9126) and signed (RFC 9101) authorization requests.

use serde_json::{Value, json};

use crate::client_authentication::key;
use crate::support::browsers::Never;
use crate::support::http::Reply;
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

/// The embedded server rejects a URL with other parameters, and a request that is used twice; it checks the
/// assertion's audience at this endpoint as well.
#[test]
fn the_request_is_pushed_if_the_server_or_the_configuration_requires_it() {
    let (pem, public) = key();
    for (name, required, config) in [("required", true, ""), ("configured", false, "use_par = true")] {
        let server = AuthorizationServer::start();
        server.set(|behaviour| {
            behaviour.requires_par = required;
            behaviour.client_assertions = Some(public.clone());
        });
        let more = format!("private_key = {{ file = \"key.pem\" }}\n{config}\naudience = \"api\"");
        let sandbox = Sandbox::new(&server_config(&server.domain(), &more));
        sandbox.write("config/key.pem", &pem);
        sandbox.run(&["login"]).ok();
        let pushed = &server.requests_to("/par")[0];
        for parameter in ["redirect_uri", "state", "nonce", "code_challenge", "scope", "audience"] {
            assert!(pushed.parameter(parameter).is_some(), "{name}: {parameter}");
        }
        let url = &server.requests_to("/authorize")[0].target;
        for parameter in ["state", "nonce", "redirect_uri", "audience"] {
            assert!(!url.contains(parameter), "{name}: {url}");
        }
        assert!(server.accepts(sandbox.run(&["token"]).ok().text()), "{name}");
    }
}

#[test]
fn a_failed_push_has_no_silent_fallback() {
    for (name, fault, said) in [
        ("refused", Reply::json(400, &json!({ "error": "invalid_request" })), "returned `invalid_request`"),
        ("broken", Reply::full(500, &[], ""), "is temporarily unavailable"),
        ("no answer", Reply::Drop, "no response from"),
        ("nothing in it", Reply::json(201, &json!({})), "it has no `request_uri`"),
        ("F-REDIR", Reply::redirect(307, "https://evil.example/"), "redirects to `evil.example`"),
    ] {
        let server = AuthorizationServer::start();
        let mut sandbox = Sandbox::new(&server_config(&server.domain(), "use_par = true"));
        sandbox.system.browser = std::sync::Arc::new(Never);
        server.fault("/par", fault);
        let output = sandbox.run(&["login"]);
        assert!(output.status != 0 && output.stderr.contains(said), "{name}: {output}");
        assert!(server.requests_to("/authorize").is_empty(), "{name}");
    }
    let server = AuthorizationServer::start();
    let gone = "pushed_authorization_request_endpoint";
    server.set(|behaviour| drop(behaviour.metadata.insert(gone.to_owned(), Value::Null)));
    let mut sandbox = Sandbox::new(&server_config(&server.domain(), "use_par = true"));
    sandbox.system.browser = std::sync::Arc::new(Never);
    sandbox.run(&["login"]).fails(4).says(gone);
}

#[test]
fn a_client_secret_is_not_pushed_to_another_server() {
    let server = AuthorizationServer::start();
    let evil = AuthorizationServer::start();
    let endpoint = format!("{}/par", evil.issuer());
    server.set(|behaviour| {
        behaviour.client_secret = Some("secret-canary".to_owned());
        behaviour.metadata.insert("pushed_authorization_request_endpoint".to_owned(), endpoint.into());
    });
    // With the token endpoint from the same metadata, the endpoint would be trusted. A derived issuer does not vouch for a
    // configured token endpoint.
    let more = format!(
        "use_par = true\n_client_secret = \"secret-canary\"\ntoken_endpoint = \"{}/token\"",
        server.issuer()
    );
    let sandbox = Sandbox::new(&server_config(&server.domain(), &more));
    sandbox.run(&["login"]).fails(4).says("are on different servers");
    assert!(evil.requests().is_empty());
}

#[test]
fn signed_requests_where_the_server_requires_them() {
    let (pem, public) = key();
    for par in [false, true] {
        let server = AuthorizationServer::start();
        server.set(|behaviour| {
            behaviour.request_objects = Some(public.clone());
            behaviour.client_assertions = Some(public.clone());
            behaviour.requires_par = par;
        });
        let more = "private_key = { file = \"key.pem\" }\nextra_params = { max_age = \"60\" }";
        let sandbox = Sandbox::new(&server_config(&server.domain(), more));
        sandbox.write("config/key.pem", &pem);
        let now = jiff::Timestamp::now().as_second();
        server.set(|behaviour| drop(behaviour.claims.insert("auth_time".to_owned(), now.into())));
        sandbox.run(&["login"]).ok();
        let carrier = if par { "/par" } else { "/authorize" };
        let request = &server.requests_to(carrier)[0];
        assert!(request.parameter("request").is_some() && request.parameter("state").is_none(), "{par}");
    }
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.request_objects = Some(public));
    Sandbox::with_server(&server.domain()).run(&["login"]).fails(4).says("`private_key` is not set");
}
