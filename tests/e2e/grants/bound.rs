//! Requests protected from tampering, and tokens restricted to one holder or one resource: PAR, JAR, DPoP, resource
//! indicators.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{browser, call, claims, home, names, oauth, op, openssl};
use crate::parts::{Home, OidcProvider};

/// The parameters of an authorization request that only the server should see.
const OF_THE_REQUEST: [&str; 6] =
    ["code_challenge", "code_challenge_method", "nonce", "redirect_uri", "scope", "state"];

#[test]
fn a_required_pushed_request_works() {
    let server = OidcProvider::with(&json!({ "requirePar": true }));
    let pushing = home(&[op(&server, "")]);
    pushing.login("walk.mjs", &[]).ok().says("Logged in to op as alice");
    let pushed = &server.requests_to("/request")[0];
    for name in OF_THE_REQUEST {
        assert!(names(pushed).contains(&name), "A1: {name} in {pushed:#}");
    }
    assert!(!names(pushed).contains(&"request_uri"), "A1");
    let authorized = &server.requests_to("/auth")[0];
    assert_eq!(names(authorized), ["client_id", "request_uri"], "A3");
    pushing.run(&["login", "--no-browser", "--timeout", "1s"]).fails(1);
    assert_eq!(server.requests_to("/request").len(), 2, "a request_uri is used once");

    // authctl does not work around the server's requirements, and follows the configuration even if the server requires less.
    let refusing = home(&[op(&server, "use_par = false\n")]);
    let mut login = refusing.command(&["login", "--browser", &browser(), "--timeout", "5s"]);
    assert!(!login.output().unwrap().status.success(), "the server accepts no other request");
    let server = OidcProvider::start(3600);
    home(&[op(&server, "use_par = true\n")]).login("walk.mjs", &[]).ok();
    assert_eq!((server.requests_to("/request").len(), names(&server.requests_to("/auth")[0]).len()), (1, 2));
}

#[test]
fn a_required_signed_request_works() {
    let folder = tempfile::tempdir().unwrap();
    openssl(folder.path(), "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem");
    let key = folder.path().join("key.pem");
    for (name, options, pushed) in
        [("in the URL", json!({}), false), ("pushed", json!({ "requirePar": true }), true)]
    {
        let mut options = options;
        options["requireJar"] = true.into();
        options["clients"] = json!([{
            "client_id": "signer", "token_endpoint_auth_method": "private_key_jwt", "keys": [{ "file": key }],
            "grant_types": ["authorization_code", "refresh_token"],
        }]);
        let server = OidcProvider::with(&options);
        let home = home(&[oauth(
            "op",
            &server,
            &format!(
                "client_id = \"signer\"\nprivate_key = {{ file = \"{}\" }}\nscopes = [\"openid\", \"profile\", \"offline_access\"]\nextra_params = {{ prompt = \"consent\", max_age = \"60\" }}\n",
                key.display()
            ),
        )]);
        let login = home.login("walk.mjs", &[]);
        assert_eq!(login.status, Some(0), "{name}: {login:#?}");
        let authorized = server.requests_to("/auth").remove(0);
        let request = if pushed { server.requests_to("/request").remove(0) } else { authorized.clone() };
        let in_the_browser = if pushed { ["client_id", "request_uri"] } else { ["client_id", "request"] };
        assert_eq!(
            names(&authorized),
            in_the_browser,
            "{name}: no parameter that could contradict the signed request"
        );
        let (header, claims) = (&request["request"]["header"], &request["request"]["claims"]);
        assert_eq!(header["typ"], "oauth-authz-req+jwt", "{name}");
        assert_eq!((&claims["iss"], &claims["aud"]), (&json!("signer"), &json!(server.issuer)), "{name}");
        assert_eq!(claims["max_age"], 60, "{name}");
        for parameter in OF_THE_REQUEST {
            assert!(claims[parameter].is_string(), "{name}: {parameter} in {claims:#}");
        }
        if pushed {
            let assertion = &request["client_assertion"]["claims"];
            assert_eq!(assertion["aud"], server.issuer.as_str(), "A5");
        }
        home.run(&["token", "--refresh"]).ok();
    }
}

/// Calls the API with authctl's headers: returns the status and the nonce that the API requires.
fn api(server: &OidcProvider, home: &Home, method: &str, nonce: Option<&str>) -> (u16, Option<String>) {
    let url = format!("{}/api", server.issuer);
    let mut arguments = vec!["headers", "op", "--method", method, "--url", &url];
    arguments.extend(nonce.iter().flat_map(|nonce| ["--dpop-nonce", nonce]));
    let headers = home.run(&arguments).ok().stdout;
    let (status, head, _) = call(&url, &headers, &["-X", method]);
    let nonce = head.lines().find_map(|line| line.strip_prefix("dpop-nonce: "));
    (status, nonce.map(str::to_owned))
}

/// Checks that all proofs are made with one key, which they do not disclose, and have their own `jti`.
fn check_proofs(server: &OidcProvider) {
    let proofs: Vec<Value> = server
        .log()
        .iter()
        .filter(|entry| !entry["dpop"].is_null())
        .map(|entry| entry["dpop"].clone())
        .collect();
    let keys: BTreeSet<String> = proofs.iter().map(|proof| proof["header"]["jwk"].to_string()).collect();
    let ids: BTreeSet<String> = proofs.iter().map(|proof| proof["claims"]["jti"].to_string()).collect();
    assert_eq!((keys.len(), ids.len()), (1, proofs.len()), "one key, a new jti each");
    for proof in &proofs {
        assert_eq!(proof["header"]["typ"], "dpop+jwt", "J1");
        assert!(proof["header"]["jwk"]["d"].is_null(), "J1: {proof}");
    }
}

#[test]
fn dpop_bound_tokens_work() {
    let server = OidcProvider::with(&json!({ "requireNonce": true }));
    let home = home(&[op(&server, "use_dpop = true\n")]);
    home.login("walk.mjs", &[]).ok().says("Logged in to op as alice");
    let polls = server.requests_to("/token");
    let statuses: Vec<&Value> = polls.iter().map(|request| &request["status"]).collect();
    assert_eq!(statuses, [400, 200], "once more, with the nonce");
    assert_eq!(polls[0]["parameters"], polls[1]["parameters"], "the same body");
    assert_eq!(polls[0]["dpop"]["claims"]["nonce"], Value::Null);
    assert!(polls[1]["dpop"]["claims"]["nonce"].is_string());
    assert!(
        server.requests_to("/auth")[0]["parameters"]["dpop_jkt"].is_string(),
        "the code is bound as well"
    );

    let token = home.run(&["token"]).ok().says("does not work alone");
    let url = format!("{}/api", server.issuer);
    let (status, head, _) = call(&url, &format!("Authorization: Bearer {}", token.text()), &[]);
    assert_eq!(status, 401, "bound, so no bearer token: {head}");
    home.run(&["headers"]).fails(1).says("--method GET --url URL");
    home.run(&["headers", "--url", "https://elsewhere.example/api"])
        .fails(1)
        .says("not one of the hosts of `op`");
    assert_eq!(api(&server, &home, "GET", None).0, 200, "every claim of the proof was checked there");
    assert_eq!(api(&server, &home, "POST", None).0, 200);

    let headers = home.run(&["headers", "--url", &url]).ok().stdout;
    assert_eq!(call(&url, &headers, &["-X", "POST"]).0, 401, "a proof is valid for one method");
    assert_eq!(
        call(&format!("{url}?page=2"), &headers, &[]).0,
        401,
        "and only once, even if it was rejected"
    );
    let headers = home.run(&["headers", "--url", &format!("{url}?page=1")]).ok().stdout;
    assert_eq!(call(&format!("{url}?page=2"), &headers, &[]).0, 200, "htu is without the query");

    server.control("set", Some(r#"{"apiNonce":"the-api-wants-this"}"#));
    let (status, nonce) = api(&server, &home, "GET", None);
    assert_eq!((status, nonce.as_deref()), (401, Some("the-api-wants-this")), "J5");
    assert_eq!(api(&server, &home, "GET", nonce.as_deref()).0, 200, "J5");

    let before = server.requests_to("/token").len();
    let renewed = home.run(&["token", "--refresh"]).ok();
    assert_ne!(renewed.text(), token.text());
    let refreshes = server.requests_to("/token").split_off(before);
    assert_eq!(refreshes.len(), 1, "the last response's nonce is used at once");
    assert_eq!(refreshes[0]["status"], 200);
    assert!(home.run(&["whoami"]).ok().stdout.contains("The user alice"), "userinfo accepts a proof too");

    check_proofs(&server);
    home.run(&["logout"]).ok().says("The server revoked the refresh token");
    home.run(&["token"]).fails(3);
}

#[test]
fn a_pushed_request_has_a_dpop_proof() {
    let server = OidcProvider::with(&json!({ "requireNonce": true, "requirePar": true }));
    let home = home(&[op(&server, "use_dpop = true\n")]);
    home.login("walk.mjs", &[]).ok();
    let pushed = server.requests_to("/request");
    let statuses: Vec<&Value> = pushed.iter().map(|request| &request["status"]).collect();
    assert_eq!(statuses, [400, 201]);
    assert_eq!(server.requests_to("/token").len(), 1, "one endpoint's nonce is valid for the other");
    assert_eq!(api(&server, &home, "GET", None).0, 200);
}

#[test]
fn each_resource_has_its_own_token_f_leak9() {
    let server = OidcProvider::start(3600);
    let resources = "resource = [\"https://a.example/\", \"https://b.example/\"]\n";
    let home = home(&[op(&server, resources).replace("\"profile\"", "\"read\"")]);
    home.login("walk.mjs", &[]).ok();
    let token = |resource: &str| home.run(&["token", "--resource", resource]).ok().text().to_owned();
    let (a, b) = (token("https://a.example/"), token("https://b.example/"));
    for (resource, token) in [("https://a.example/", &a), ("https://b.example/", &b)] {
        let claims = claims(token);
        assert_eq!(claims["aud"], resource, "S4");
        assert_eq!((&claims["sub"], &claims["scope"]), (&json!("alice"), &json!("read")), "{resource}");
    }
    let refreshes: Vec<Value> = server
        .requests_to("/token")
        .into_iter()
        .filter(|request| request["grant"] == "refresh_token")
        .collect();
    let asked: Vec<&Value> = refreshes.iter().map(|request| &request["parameters"]["resource"]).collect();
    assert_eq!(asked, ["https://a.example/", "https://b.example/"], "S2");
    assert_eq!((token("https://a.example/"), token("https://b.example/")), (a, b), "cached, each separately");
    assert_eq!(server.token_requests("refresh_token"), 2);
    home.run(&["token", "--resource", "https://c.example/"]).fails(1).says("invalid_target");
}

#[test]
fn every_grant_binds_its_tokens_to_a_dpop_key() {
    let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
    let server = OidcProvider::with(&json!({ "requireNonce": true, "interval": 1, "clients": [
        { "client_id": "robot", "client_secret": "robot-secret-0123456789", "grant_types": ["client_credentials"] },
        { "client_id": "exchanger", "client_secret": "exchanger-secret-0123456789", "grant_types": [exchange] },
    ] }));
    let confidential = |name: &str, more: &str| {
        let keys = format!(
            "client_id = \"{name}\"\n_client_secret = \"{name}-secret-0123456789\"\nuse_dpop = true\n{more}"
        );
        oauth(name, &server, &keys)
    };
    let device = "grant_type = \"device_code\"\nuse_dpop = true\n";
    let home = home(&[
        op(&server, device).replace("extra_params", "token_params"),
        confidential("robot", "grant_type = \"client_credentials\"\n"),
        confidential("exchanger", "grant_type = \"token_exchange\"\nsubject = { provider = \"op\" }\n"),
    ]);
    home.login("walk.mjs", &["op"]).ok().says("Logged in to op as alice");
    home.run(&["token", "op", "--refresh"]).ok();
    for name in ["robot", "exchanger"] {
        let bound = home.run(&["token", name]).ok().says("does not work alone");
        let before = server.requests_to("/token").len();
        assert_ne!(home.run(&["token", name, "--refresh"]).ok(), bound, "{name}");
        assert_eq!(
            server.requests_to("/token").len(),
            before + 1,
            "{name}: J4, the nonce is kept with the token"
        );
        let proof = &server.requests_to("/token").pop().unwrap()["dpop"];
        assert!(proof["claims"]["nonce"].is_string(), "{name}: J3");
    }
    assert_eq!(api(&server, &home, "GET", None).0, 200);
}
