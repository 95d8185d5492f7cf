//! The issuer in the redirect (RFC 9207).

use crate::support::http::Reply;
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

/// The issuer is known from metadata before the browser opens.
#[test]
fn a_response_from_another_issuer_is_rejected_f_cb18() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    for (name, metadata, issuer, refused) in [
        (
            "another issuer",
            None,
            Some("https://evil.example".to_owned()),
            Some("its `iss` is `https://evil.example`"),
        ),
        ("advertised and missing", Some(true), None, Some("the response has no `iss`")),
        ("advertised and right", Some(true), Some(server.issuer()), None),
        ("unadvertised and missing", None, None, None),
    ] {
        server.set(|behaviour| {
            behaviour.redirect_issuer = issuer;
            behaviour
                .metadata
                .insert("authorization_response_iss_parameter_supported".to_owned(), metadata.into());
        });
        let before = server.requests_to("/token").len();
        let output = sandbox.run(&["login", "--refresh-metadata"]);
        match refused {
            Some(text) => {
                output.fails(1).says(text);
                assert_eq!(server.requests_to("/token").len(), before, "{name}: no token request");
            }
            None => drop(output.ok()),
        }
    }
}

/// F-CB22
#[test]
fn a_server_that_sends_its_issuer_must_still_do_so_while_its_metadata_cannot_be_fetched() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| {
        behaviour.metadata.insert("authorization_response_iss_parameter_supported".to_owned(), true.into());
        behaviour.redirect_issuer = None;
    });
    let issuer = server.issuer();
    // Everything that a login needs is configured, so it continues without metadata.
    let config = server_config(
        &server.domain(),
        &format!(
            "issuer = \"{issuer}\"\nauthorization_endpoint = \"{issuer}/authorize\"\ntoken_endpoint = \"{issuer}/token\"\njwks_uri = \"{issuer}/jwks\"\nid_token_signed_response_alg = \"ES256\"\n"
        ),
    );
    let failures = || {
        [
            Reply::full(503, &[], ""),
            Reply::full(200, &[("content-type", "text/html")], "<html>"),
            Reply::json(200, &serde_json::json!({ "issuer": 5 })),
            Reply::Drop,
        ]
    };
    let fails_to_publish = |reply: &Reply| {
        for path in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
            server.set(|behaviour| drop(behaviour.faults.remove(path)));
            server.fault(path, reply.clone());
        }
    };
    let missing = "the response has no `iss`";
    let sandbox = Sandbox::new(&config);
    sandbox.run(&["login"]).fails(1).says(missing);
    for reply in failures() {
        for arguments in [&["login"][..], &["login", "--refresh-metadata"]] {
            // The cached metadata is too old for any other use.
            sandbox.clock.advance(25 * 3600);
            fails_to_publish(&reply);
            sandbox.run(arguments).fails(1).says(missing);
        }
    }
    assert!(server.requests_to("/token").is_empty(), "no code was sent");

    // No metadata was ever cached: the login continues with a warning.
    let unknown = "does not know whether the redirect must contain `iss`";
    for reply in failures() {
        fails_to_publish(&reply);
        Sandbox::new(&config).run(&["login"]).ok().says(unknown);
    }
    // A server without metadata gets no warning.
    fails_to_publish(&Reply::full(404, &[], ""));
    let output = Sandbox::new(&config).run(&["login"]).ok();
    assert!(!output.stderr.contains(unknown), "{output}");
    // If the redirect has an `iss`, it is compared nevertheless.
    server.set(|behaviour| behaviour.redirect_issuer = Some("https://evil.example".to_owned()));
    fails_to_publish(&Reply::Drop);
    Sandbox::new(&config).run(&["login"]).fails(1).says("its `iss` is `https://evil.example`");
}
