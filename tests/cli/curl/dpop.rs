//! DPoP proofs for curl's requests.

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use super::{Ended, PROGRAM};
use crate::exec::login;
use crate::support::authorization_server::jws::Jws;
use crate::support::http::{Reply, Server};
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

/// A proof for the method and the URL that curl actually sends; the server checks each one.
#[test]
fn curl_proves_each_request_and_uses_nonces() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| {
        behaviour.dpop = true;
        behaviour.dpop_nonces = Some(("as-nonce".to_owned(), "rs-nonce".to_owned()));
    });
    let sandbox = Sandbox::new(&server_config(&server.domain(), "use_dpop = true"));
    login(&sandbox);
    let run = |arguments: &[&str]| {
        let url = format!("{}/api?x=1", server.issuer());
        let arguments = [&["curl", "as"], arguments, &[&url]].concat();
        Ended::from(sandbox.binary(PROGRAM, &arguments).stdin(Stdio::null()).output().unwrap())
    };
    let ended = run(&["-sS"]);
    ended.is(0, "{\"hello\":\"alice\"}");
    assert_eq!(ended.stderr, "", "the first rejection is not shown");
    let proofs = || -> Vec<Jws> {
        server
            .requests_to("/api")
            .iter()
            .map(|request| Jws::parse(request.header("dpop").unwrap()).unwrap())
            .collect()
    };
    let [first, second] = &proofs()[..] else { panic!("two tries: {}", proofs().len()) };
    assert_eq!(
        (&first.claims["nonce"], &second.claims["nonce"]),
        (&serde_json::Value::Null, &"rs-nonce".into())
    );
    assert_ne!(first.claims["jti"], second.claims["jti"], "J6");
    assert_eq!(second.claims["htu"], format!("{}/api", server.issuer()), "no query");
    assert_eq!(server.token_requests("refresh_token"), 0, "a nonce needs no new token");

    for (arguments, says) in [
        (&["-L"][..], "a new proof for each request"),
        (&["--retry", "2"], "a new proof for each request"),
        (&["-H", "DPoP: x"], "header dpop"),
    ] {
        run(arguments).is(2, "").says(says);
    }
    assert_eq!(server.requests_to("/api").len(), 2);
    // One nonce and one refresh, and no more.
    let nonce = [("www-authenticate", "DPoP error=\"use_dpop_nonce\""), ("dpop-nonce", "another")];
    for _ in 0..2 {
        server.fault("/api", Reply::full(401, &nonce, "again"));
    }
    run(&["-sS"]).is(0, "again");
    assert_eq!(server.requests_to("/api").len(), 4);
    server.fault(
        "/api",
        Reply::full(
            401,
            &[("www-authenticate", "DPoP error=\"invalid_token\""), ("dpop-nonce", "rs-nonce")],
            "ended",
        ),
    );
    run(&["-sS"]).is(0, "{\"hello\":\"alice\"}");
    assert_eq!((server.requests_to("/api").len(), server.token_requests("refresh_token")), (6, 1));
}

#[test]
fn the_proof_has_curls_method() {
    let methods: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let log = Arc::clone(&methods);
    let api = Server::start(move |request| {
        let proof = Jws::parse(request.header("dpop").unwrap()).unwrap();
        let claimed = proof.claims["htm"].as_str().unwrap().to_owned();
        log.lock().unwrap().push((request.method.clone(), claimed));
        Reply::full(200, &[], "")
    });
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.dpop = true);
    let config = server_config(&server.domain(), "use_dpop = true");
    let hosts = format!("[credentials.as]\nhosts = [\"{}\"]", api.address());
    let sandbox = Sandbox::new(&config.replace("[credentials.as]", &hosts));
    login(&sandbox);
    let file = sandbox.write("file", "content");
    let file = file.to_str().unwrap();
    for (arguments, method) in [
        (&[][..], "GET"),
        (&["-I"], "HEAD"),
        (&["-d", "a"], "POST"),
        (&["--json", "{}"], "POST"),
        (&["-F", "a=b"], "POST"),
        (&["-T", file], "PUT"),
        (&["-G", "-d", "a"], "GET"),
        (&["-I", "-G", "-d", "a"], "HEAD"),
        (&["-XPATCH", "-d", "a"], "PATCH"),
        (&["-X", "OPTIONS"], "OPTIONS"),
        (&["-T", file, "-XPOST"], "POST"),
    ] {
        let url = format!("{}/x", api.url());
        let arguments = [&["curl", "as", "-sS", "-H", "Expect:"], arguments, &[&url]].concat();
        let output = sandbox.binary(PROGRAM, &arguments).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{arguments:?} {}", String::from_utf8_lossy(&output.stderr));
        let (sent, claimed) = methods.lock().unwrap().pop().unwrap();
        assert_eq!((sent.as_str(), claimed.as_str()), (method, method), "{arguments:?}");
    }
}
