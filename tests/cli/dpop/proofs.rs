//! Proofs and nonces.

use serde_json::json;

use super::{call, headers, home, proof};
use crate::support::AuthorizationServer;
use crate::support::http::Reply;

#[test]
fn dpop_nonces_are_used_with_one_retry_and_stored() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.dpop_nonces = Some(("as-nonce".to_owned(), "rs-nonce".to_owned())));
    let sandbox = home(&server);
    sandbox.run(&["login"]).ok();
    let codes = server.token_requests("authorization_code");
    assert_eq!(codes, 2, "the same code, once more with the nonce");
    let requests = server.requests_to("/token");
    assert_eq!(requests[0].parameter("code"), requests[1].parameter("code"), "the same body");
    let id = |index: usize| proof(requests[index].header("dpop").unwrap()).claims["jti"].clone();
    assert_ne!(id(0), id(1), "a fresh proof");
    sandbox.run(&["token", "--refresh"]).ok();
    assert_eq!(server.token_requests("refresh_token"), 1, "the nonce was kept");
    // The resource server's nonce is separate.
    sandbox.run(&["whoami"]).ok();
    assert_eq!(server.requests_to("/userinfo").len(), 2);
    assert_eq!(call(&server, &headers(&sandbox, &server, &[])), 401);
    assert_eq!(call(&server, &headers(&sandbox, &server, &["--dpop-nonce", "rs-nonce"])), 200);

    server.set(|behaviour| behaviour.dpop_nonces = None);
    for nonce in ["one", "two"] {
        let again = json!({ "error": "use_dpop_nonce" }).to_string();
        server.fault("/token", Reply::full(400, &[("dpop-nonce", nonce)], again));
    }
    let before = server.requests_to("/token").len();
    sandbox.run(&["token", "--refresh"]).fails(1).says("`use_dpop_nonce`");
    assert_eq!(server.requests_to("/token").len(), before + 2, "one retry and no more");
    let strange = [("dpop-nonce", "a\"b\\c")];
    server.fault("/token", Reply::full(400, &strange, json!({ "error": "use_dpop_nonce" }).to_string()));
    sandbox.run(&["token", "--refresh"]).fails(1);
    assert_eq!(server.requests_to("/token").len(), before + 3, "an invalid nonce is ignored");
}

#[test]
fn dpop_proofs_are_made_only_for_the_providers_hosts() {
    let server = AuthorizationServer::start();
    let sandbox = home(&server);
    sandbox.run(&["login"]).ok();
    sandbox
        .run(&["headers"])
        .fails(1)
        .says("each request needs its own proof")
        .says("--method GET --url URL");
    sandbox.run(&["token", "-o", "header"]).fails(1).says("each request needs its own proof");
    for url in ["http://127.0.0.1:1/api", "https://evil.example/"] {
        sandbox.run(&["headers", "--url", url]).fails(1).says("not one of the hosts of `as`");
    }
    sandbox.run(&["headers", "--url", "ftp://x"]).fails(2);
    sandbox.run(&["headers", "--url", &server.issuer(), "--method", "GE T"]).fails(2);
    assert_eq!(
        server.requests_to("/token").len(),
        1,
        "nothing was asked of the server for what is not handed out"
    );
}
