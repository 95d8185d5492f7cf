//! The proxy's tokens, nonces and certificates.

use serde_json::json;

use super::{Running, login, socket};
use crate::support::http::{Reply, Server, certificates};
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn a_refused_credential_is_renewed_once_and_nonces_are_kept() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    login(&sandbox);
    let running = Running::start(&sandbox, &["--proxy", "as", "--socket", &socket(&sandbox)]);
    assert_eq!(running.get("/api", ""), (200, "{\"hello\":\"alice\"}".to_owned()));
    let refusal = || Reply::full(401, &[("www-authenticate", "Bearer error=\"invalid_token\"")], "no");
    server.fault("/api", refusal());
    assert_eq!(running.get("/api", "").0, 200);
    assert_eq!(server.token_requests("refresh_token"), 1);
    let tokens: Vec<_> = server
        .requests_to("/api")
        .iter()
        .map(|request| request.header("authorization").unwrap().to_owned())
        .collect();
    assert_eq!(tokens.len(), 3);
    assert!(tokens[0] == tokens[1] && tokens[1] != tokens[2], "{tokens:?}");
    server.fault("/api", refusal());
    assert_eq!(running.get("/api", ""), (401, "no".to_owned()), "not for every rejection");
    assert_eq!(server.token_requests("refresh_token"), 1);
    let scope = [("www-authenticate", "Bearer error=\"insufficient_scope\"")];
    server.fault("/api", Reply::full(401, &scope, "more"));
    assert_eq!(running.get("/api", ""), (401, "more".to_owned()), "a new token would have no more scopes");
    server.fault("/api", refusal());
    let posted = "POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx";
    assert_eq!(running.exchange(posted).0, 401, "a body is sent once");
    running.end();

    let server = AuthorizationServer::start();
    server.set(|behaviour| {
        behaviour.dpop = true;
        behaviour.dpop_nonces = Some(("as-nonce".to_owned(), "rs-nonce".to_owned()));
    });
    let sandbox = Sandbox::new(&server_config(&server.domain(), "use_dpop = true"));
    login(&sandbox);
    let running = Running::start(&sandbox, &["--proxy", "as", "--socket", &socket(&sandbox)]);
    assert_eq!(running.get("/api?x=1", "").0, 200);
    assert_eq!(server.requests_to("/api").len(), 2, "once more with the nonce");
    assert_eq!(running.get("/api?x=2", "").0, 200);
    assert_eq!(server.requests_to("/api").len(), 3, "which is kept");
    assert_eq!(server.token_requests("refresh_token"), 0);
    running.end();
}

/// A proxy connects to its host like every other request: with the provider's certificate authorities.
#[test]
fn a_proxy_speaks_tls_with_the_configured_authorities() {
    let (authority, tls) = certificates();
    let beyond = Server::start_tls(tls, |request| match request.path() {
        "/token" => Reply::json(200, &json!({ "access_token": "over-tls", "token_type": "bearer" })),
        _ => Reply::full(200, &[], "beyond"),
    });
    let address = beyond.address();
    let config = |more: &str| {
        format!(
            "store = \"file\"\n[credentials.m]\ndomain = \"{address}\"\n[credentials.m.oauth]\ngrant_type = \"client_credentials\"\nclient_id = \"app\"\n_client_secret = \"s\"\ntoken_endpoint = \"https://{address}/token\"\n{more}"
        )
    };
    let sandbox = Sandbox::new("");
    let file = sandbox.write("ca.pem", &authority);
    sandbox.configure(&config(&format!("ca_file = \"{}\"\n", file.display())));
    let running = Running::start(&sandbox, &["--proxy", "m", "--socket", &socket(&sandbox)]);
    assert_eq!(running.get("/api", ""), (200, "beyond".to_owned()));
    assert_eq!(beyond.requests().last().unwrap().header("authorization"), Some("Bearer over-tls"));
    let seen = beyond.requests().len();
    sandbox.configure(&config(""));
    assert_eq!(running.get("/api", "").0, 502, "no trusted authority signed it");
    assert_eq!(beyond.requests().len(), seen);
    running.end();
}
