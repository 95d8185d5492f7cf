//! Server metadata.

use serde_json::json;

use crate::support::http::{Reply, Server};
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn metadata_locations_are_tried_in_order() {
    let server = Server::start(|_| Reply::full(404, &[], ""));
    let config = server_config(&server.address().to_string(), &format!("issuer = \"{}/t1\"", server.url()));
    Sandbox::new(&config).run(&["login"]).fails(1).says("publishes no metadata (status 404)");
    let asked: Vec<String> = server.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(
        asked,
        [
            "/.well-known/oauth-authorization-server/t1",
            "/.well-known/openid-configuration/t1",
            "/t1/.well-known/openid-configuration",
        ]
    );
}

#[test]
fn metadata_with_another_issuer_is_rejected_f_url6() {
    let server = AuthorizationServer::start();
    server
        .set(|behaviour| drop(behaviour.metadata.insert("issuer".to_owned(), "https://evil.example".into())));
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).fails(1).says("for the issuer `https://evil.example`");
    assert!(server.requests_to("/authorize").is_empty());
    // A trailing slash: a derived issuer may differ by it, a configured one may not.
    let slashed = format!("{}/", server.issuer());
    server.set(|behaviour| {
        behaviour.metadata.insert("issuer".to_owned(), slashed.clone().into());
        behaviour.claims.insert("iss".to_owned(), slashed.into());
    });
    sandbox.run(&["login"]).ok();
    sandbox.configure(&server_config(&server.domain(), &format!("issuer = \"{}\"", server.issuer())));
    sandbox
        .run(&["login", "--refresh-metadata"])
        .fails(1)
        .says("set `issuer` to exactly the URL that the server reports");
}

#[test]
fn invalid_metadata_documents_are_reported_f_size() {
    for (name, reply, said) in [
        (
            "html",
            Reply::full(200, &[("content-type", "text/html")], "<html>"),
            "`text/html`, not application/json",
        ),
        (
            "wrong type",
            Reply::json(200, &json!({ "issuer": "x", "token_endpoint": 5 })),
            "`token_endpoint` in its metadata is not a string",
        ),
        (
            "no issuer",
            Reply::json(200, &json!({ "token_endpoint": "https://x" })),
            "`issuer` in its metadata is not a string",
        ),
        ("array", Reply::full(200, &[("content-type", "application/json")], "[]"), "is not valid"),
        (
            "huge",
            Reply::full(200, &[("content-type", "application/json")], " ".repeat(2 << 20)),
            "larger than 1048576 bytes",
        ),
        ("F-REDIR", Reply::redirect(302, "https://evil.example/"), "publishes no metadata"),
    ] {
        let server = AuthorizationServer::start();
        server.fault("/.well-known/openid-configuration", reply);
        let output = Sandbox::with_server(&server.domain()).run(&["login"]).fails(1);
        assert!(output.stderr.contains(said), "{name}: {output}");
    }
}

#[test]
fn endpoints_in_private_networks_are_refused_f_ssrf() {
    let server = AuthorizationServer::start();
    for member in ["token_endpoint", "jwks_uri"] {
        for url in [
            "https://169.254.169.254/latest",
            "https://10.0.0.1/x",
            "https://[::ffff:10.0.0.1]/x",
            "http://as.example/x",
            "https://localhost:1/x",
        ] {
            server.set(|behaviour| {
                behaviour.metadata.clear();
                behaviour.metadata.insert(member.to_owned(), url.into());
            });
            let sandbox = Sandbox::with_server(&server.domain());
            sandbox.run(&["login"]).fails(1).says("the server supplied a URL that authctl refuses to use");
            assert!(sandbox.stores_nothing());
        }
    }
}

#[test]
fn metadata_is_cached_for_a_day_and_never_overrides_the_configuration() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    let fetched = || server.requests_to("/.well-known/openid-configuration").len();
    sandbox.run(&["login"]).ok();
    sandbox.run(&["login"]).ok();
    assert_eq!(fetched(), 1);
    sandbox.run(&["login", "--refresh-metadata"]).ok();
    assert_eq!(fetched(), 2);
    for (path, bytes) in sandbox.files().iter().filter(|(path, _)| path.starts_with(sandbox.path("cache"))) {
        #[cfg(unix)]
        assert_eq!(crate::support::sandbox::mode(path), 0o600);
        std::fs::write(path, String::from_utf8_lossy(bytes).replace("/authorize", "/poisoned")).unwrap();
    }
    let pinned = format!("authorization_endpoint = \"{}/authorize\"", server.issuer());
    sandbox.configure(&server_config(&server.domain(), &pinned));
    sandbox.run(&["login"]).ok();
    sandbox.configure(&server_config(&server.domain(), ""));
    sandbox.clock.advance(25 * 3600);
    server.set(|behaviour| {
        let now = jiff::Timestamp::now().as_second() + 25 * 3600;
        behaviour.claims.insert("iat".to_owned(), now.into());
        behaviour.claims.insert("exp".to_owned(), (now + 600).into());
    });
    sandbox.run(&["login"]).ok();
    assert_eq!(fetched(), 3, "expired after a day");
}

#[test]
fn explicit_endpoints_need_no_discovery() {
    let server = AuthorizationServer::start();
    let endpoints: Vec<String> = [
        "authorization_endpoint/authorize",
        "token_endpoint/token",
        "jwks_uri/jwks",
        "userinfo_endpoint/userinfo",
    ]
    .iter()
    .map(|pair| {
        pair.split_once('/').map(|(key, path)| format!("{key} = \"{}/{path}\"", server.issuer())).unwrap()
    })
    .collect();
    let config = server_config(&server.domain(), &endpoints.join("\n")).replace("\"openid\", ", "");
    Sandbox::new(&config).run(&["login"]).ok();
    assert!(server.requests_to("/.well-known/openid-configuration").is_empty());
    // A configured issuer is asked nevertheless; its lack of metadata matters only if something is missing.
    let unpublished = Server::start(|_| Reply::full(404, &[], ""));
    let config = config.replace("scopes =", &format!("issuer = \"{}/nothing\"\nscopes =", unpublished.url()));
    Sandbox::new(&config).run(&["login"]).ok();
    assert_eq!(unpublished.requests().len(), 3);
}
