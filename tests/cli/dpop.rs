//! Tokens that are bound to a key (RFC 9449).

use serde_json::{Value, json};

use crate::support::authorization_server::jws::{Jws, thumbprint};
use crate::support::http::Reply;
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

fn home(server: &AuthorizationServer) -> Sandbox {
    server.set(|behaviour| behaviour.dpop = true);
    Sandbox::new(&server_config(&server.domain(), "use_dpop = true"))
}

fn proof(text: &str) -> Jws {
    Jws::parse(text).unwrap()
}

/// The headers for a GET of the server's API.
fn headers(sandbox: &Sandbox, server: &AuthorizationServer, more: &[&str]) -> Vec<(String, String)> {
    let url = format!("{}/api?x=1", server.issuer());
    let output = sandbox.run(&[&["headers", "--url", &url], more].concat()).ok();
    let lines = output.stdout.lines().map(|line| line.split_once(": ").unwrap());
    lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The status of a request to the API with these headers.
fn call(server: &AuthorizationServer, headers: &[(String, String)]) -> u16 {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let address = server.domain().parse().unwrap();
    let request = format!("GET /api?x=1 HTTP/1.1\r\nHost: {}\r\n{lines}\r\n", server.domain());
    crate::support::http::exchange(address, request.as_bytes()).unwrap().0
}

/// The server checks each proof; the code is bound to the key as well; the key is kept with the tokens.
#[test]
fn a_dpop_login_is_used_refreshed_and_revoked() {
    let server = AuthorizationServer::start();
    let sandbox = home(&server);
    sandbox.run(&["login"]).ok();
    let shown = proof(server.requests_to("/token")[0].header("dpop").unwrap());
    let key = thumbprint(&shown.header["jwk"]);
    assert_eq!(server.requests_to("/authorize")[0].parameter("dpop_jkt"), Some(key.clone()));

    let token =
        sandbox.run(&["token"]).ok().says("bound to a key (DPoP)").says("authctl headers as --method GET");
    assert_eq!(call(&server, &[("Authorization".to_owned(), format!("Bearer {}", token.text()))]), 401);
    let headers = headers(&sandbox, &server, &[]);
    assert_eq!(headers[0].1, format!("DPoP {}", token.text()));
    assert_eq!(call(&server, &headers), 200);
    let made = proof(&headers[1].1);
    assert_eq!(made.claims["htm"], "GET");
    assert_eq!(made.claims["htu"], format!("{}/api", server.issuer()), "no query");
    assert_eq!(thumbprint(&made.header["jwk"]), key, "the same key in another run");
    sandbox.run(&["whoami"]).ok();

    sandbox.clock.advance(3600);
    server.set(|behaviour| behaviour.expires_in = Some(9000));
    // The server would take no proof of a clock that is an hour ahead: the story's clock goes back.
    sandbox.clock.advance(-3600);
    assert_ne!(sandbox.run(&["token", "--refresh"]).ok().text(), token.text());
    assert_eq!(server.token_requests("refresh_token"), 1);
    sandbox.run(&["logout"]).ok().says("The server revoked the refresh token");
}

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
    // The resource server's nonce is another's.
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
    assert_eq!(server.requests_to("/token").len(), before + 3, "what is no nonce is none");
}

#[test]
fn an_unbound_token_is_rejected() {
    let server = AuthorizationServer::start();
    let sandbox = home(&server);
    server.set(|behaviour| drop(behaviour.token_members.insert("token_type".to_owned(), "Bearer".into())));
    sandbox
        .run(&["login"])
        .fails(1)
        .says("it is a bearer token, though a key was shown")
        .says("use_dpop = false");
    assert!(sandbox.stores_nothing());
    sandbox
        .configure(&server_config(&server.domain(), "use_dpop = true\nquirks = { unbound_tokens = true }"));
    sandbox.run(&["login"]).ok();
    assert!(!sandbox.run(&["token"]).ok().stderr.contains("bound"));

    let server = AuthorizationServer::start();
    server.set(|behaviour| drop(behaviour.token_members.insert("token_type".to_owned(), "DPoP".into())));
    Sandbox::with_server(&server.domain())
        .run(&["login"])
        .fails(1)
        .says("bound to a key (DPoP), and none was shown");
}

#[test]
fn a_bound_token_without_its_key_needs_a_login() {
    let server = AuthorizationServer::start();
    let sandbox = home(&server);
    let keyring = sandbox.keyring.present();
    sandbox.configure(&server_config(&server.domain(), "use_dpop = true").replace("\"file\"", "\"keyring\""));
    sandbox.run(&["login"]).ok();
    let entries = keyring.search(&std::collections::HashMap::from([("service", "authctl")])).unwrap();
    let entry = entries.iter().find(|entry| entry.get_secret().is_ok()).unwrap();
    let mut record: Value = serde_json::from_slice(&entry.get_secret().unwrap()).unwrap();
    assert!(record.as_object_mut().unwrap().remove("dpop_key").is_some());
    entry.set_secret(record.to_string().as_bytes()).unwrap();
    sandbox
        .run(&["token"])
        .fails(3)
        .says("the key that the stored token is bound to is lost")
        .says("authctl login as");
}

#[test]
fn a_wrong_clock_is_reported() {
    let server = AuthorizationServer::start();
    let sandbox = home(&server);
    sandbox.clock.advance(-600);
    sandbox.run(&["login"]).fails(1).says("`invalid_dpop_proof`").says("seconds behind the server's");
}

#[test]
fn dpop_proofs_are_made_only_for_the_providers_hosts() {
    let server = AuthorizationServer::start();
    let sandbox = home(&server);
    sandbox.run(&["login"]).ok();
    sandbox.run(&["headers"]).fails(1).says("each request needs a proof").says("--method GET --url URL");
    sandbox.run(&["token", "-o", "header"]).fails(1).says("each request needs a proof");
    for url in ["http://127.0.0.1:1/api", "https://evil.example/"] {
        sandbox.run(&["headers", "--url", url]).fails(1).says("none of the hosts of `as`");
    }
    sandbox.run(&["headers", "--url", "ftp://x"]).fails(2);
    sandbox.run(&["headers", "--url", &server.issuer(), "--method", "GE T"]).fails(2);
    assert_eq!(
        server.requests_to("/token").len(),
        1,
        "nothing was asked of the server for what is not handed out"
    );
}

/// A token of the client credentials grant is bound as well, to the key that the record keeps.
#[test]
fn a_machines_tokens_are_bound_to_one_key() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| {
        behaviour.dpop = true;
        behaviour.client_secret = Some("s".to_owned());
    });
    let more = "use_dpop = true\ngrant_type = \"client_credentials\"\n_client_secret = \"s\"";
    let sandbox = Sandbox::new(&server_config(&server.domain(), more));
    sandbox.run(&["token"]).ok();
    sandbox.run(&["token", "--refresh"]).ok();
    let keys: Vec<String> = server
        .requests_to("/token")
        .iter()
        .map(|request| thumbprint(&proof(request.header("dpop").unwrap()).header["jwk"]))
        .collect();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1]);
}

/// A server that cannot bind tokens would have rotated the refresh token by the time that it shows: nothing is bound later.
#[test]
fn f_rot_use_dpop_that_comes_later_loses_no_session() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    sandbox.configure(&server_config(&server.domain(), "use_dpop = true"));
    let output = sandbox.run(&["token", "--refresh"]).ok().says("use_dpop").says("run `authctl login as`");
    assert!(server.accepts(output.text()));
    assert!(server.requests_to("/token").last().unwrap().header("dpop").is_none());
}

/// What is not bound is not used, but the refresh token that came with it may be the only one that is left.
#[test]
fn f_rot_a_refresh_that_is_downgraded_keeps_the_session() {
    let server = AuthorizationServer::start();
    let sandbox = home(&server);
    sandbox.run(&["login"]).ok();
    server.set(|behaviour| drop(behaviour.token_members.insert("token_type".to_owned(), "Bearer".into())));
    sandbox.run(&["token", "--refresh"]).fails(1).says("it is a bearer token, though a key was shown");
    server.set(|behaviour| behaviour.token_members.clear());
    assert!(!sandbox.run(&["token", "--refresh"]).ok().text().is_empty());
    assert!(!server.any_family_revoked());
}

/// A machine's tokens are bound only while the configuration says so: the hint of the error helps.
#[test]
fn client_credentials_follow_the_dpop_setting() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| {
        behaviour.dpop = true;
        behaviour.client_secret = Some("s".to_owned());
    });
    let config = |dpop: bool| {
        let more = format!("use_dpop = {dpop}\ngrant_type = \"client_credentials\"\n_client_secret = \"s\"");
        server_config(&server.domain(), &more)
    };
    let sandbox = Sandbox::new(&config(true));
    sandbox.run(&["token"]).ok();
    server.set(|behaviour| behaviour.dpop = false);
    sandbox.configure(&config(false));
    let output = sandbox.run(&["token", "--refresh"]).ok();
    assert!(!output.stderr.contains("bound"), "{output}");
}
