//! The basic and config plans of OpenID Connect.

use serde_json::json;

use super::{SetUp, change, claims, forged, id_token, metadata};
use crate::client_authentication::key;
use crate::support::authorization_server::jws::rsa_jwk;
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

fn rsa(server: &AuthorizationServer) {
    metadata(server, json!({ "id_token_signing_alg_values_supported": ["RS256"] }));
    server.set(|behaviour| behaviour.rsa = true);
}

/// A login, and `whoami` if it succeeds; `None` means success, otherwise the error.
const BASIC: &[(&str, SetUp, Option<&str>)] = &[
    ("oidcc-client-test", |_| {}, None),
    (
        "oidcc-client-test-invalid-iss",
        |s| claims(s, json!({ "iss": "https://evil.example" })),
        Some("`iss` is `https://evil.example`"),
    ),
    ("oidcc-client-test-missing-sub", |s| claims(s, json!({ "sub": null })), Some("has no `sub` claim")),
    (
        "oidcc-client-test-invalid-aud",
        |s| claims(s, json!({ "aud": "other" })),
        Some("does not include this client"),
    ),
    ("oidcc-client-test-missing-aud", |s| claims(s, json!({ "aud": null })), Some("has no `aud` claim")),
    ("oidcc-client-test-missing-iat", |s| claims(s, json!({ "iat": null })), Some("has no `iat` claim")),
    (
        "oidcc-client-test-kid-absent-single-jwks",
        |s| change(s, |behaviour| behaviour.no_key_ids = true),
        None,
    ),
    (
        // Several keys for the algorithm and no `kid`: all are tried (RFC 7515 section 4.1.4).
        "oidcc-client-test-kid-absent-multiple-jwks",
        |s| {
            let other = key().1;
            s.set(|behaviour| {
                behaviour.no_key_ids = true;
                behaviour.more_keys = vec![other, rsa_jwk()];
            });
        },
        None,
    ),
    ("oidcc-client-test-idtoken-sig-rs256", rsa, None),
    (
        "oidcc-client-test-idtoken-sig-none",
        |s| id_token(s, forged(json!({ "alg": "none" }))),
        Some("signed with `none`"),
    ),
    (
        "oidcc-client-test-invalid-sig-rs256",
        |s| {
            rsa(s);
            id_token(s, forged(json!({ "alg": "RS256", "kid": "rsa" })));
        },
        Some("signature cannot be verified"),
    ),
    (
        "oidcc-client-test-invalid-sig-es256",
        |s| id_token(s, forged(json!({ "alg": "ES256" }))),
        Some("signature cannot be verified"),
    ),
    (
        "oidcc-client-test-invalid-sig-hs256",
        |s| id_token(s, forged(json!({ "alg": "HS256" }))),
        Some("signed with `HS256`"),
    ),
    (
        "oidcc-client-test-nonce-invalid",
        |s| claims(s, json!({ "nonce": "other" })),
        Some("`nonce` does not match"),
    ),
    (
        "oidcc-client-test-invalid-athash",
        |s| claims(s, json!({ "at_hash": "AAAA" })),
        Some("`at_hash` does not match"),
    ),
    ("oidcc-client-test-userinfo-bearer-header", |_| {}, None),
    (
        "oidcc-client-test-scope-userinfo-claims",
        |s| {
            change(s, |behaviour| {
                drop(behaviour.userinfo.insert("email".to_owned(), "alice@example.com".into()))
            })
        },
        None,
    ),
    ("oidcc-client-test-discovery-openid-config", |_| {}, None),
    ("oidcc-client-test-discovery-jwks-uri-keys", |_| {}, None),
    (
        "oidcc-client-test-discovery-issuer-mismatch",
        |s| metadata(s, json!({ "issuer": "https://evil.example" })),
        Some("its metadata is for the issuer `https://evil.example`"),
    ),
];

#[test]
fn basic_and_config_plans() {
    for (module, set_up, want) in BASIC {
        let server = AuthorizationServer::start();
        set_up(&server);
        let sandbox = Sandbox::with_server(&server.domain());
        let output = sandbox.run(&["login"]);
        match want {
            None => {
                assert_eq!(output.status, 0, "{module}: {output}");
                let whoami = sandbox.run(&["whoami"]).ok();
                assert!(whoami.stdout.contains("id-of-alice"), "{module}: {whoami}");
                let asked = server.requests_to("/userinfo");
                assert!(asked[0].header("authorization").unwrap().starts_with("Bearer "), "{module}");
                assert!(server.accepts(sandbox.run(&["token"]).ok().text()), "{module}");
            }
            Some(said) => {
                assert_eq!(output.status, 1, "{module}: {output}");
                assert!(output.stderr.contains(said), "{module}: {output}");
                assert!(sandbox.stores_nothing(), "{module}: nothing is stored");
            }
        }
    }
}

#[test]
fn oidcc_client_test_client_secret_basic() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.client_secret = Some("s".to_owned()));
    let more = "_client_secret = \"s\"\ntoken_endpoint_auth_method = \"client_secret_basic\"";
    Sandbox::new(&server_config(&server.domain(), more)).run(&["login"]).ok();
    assert!(server.requests_to("/token")[0].header("authorization").unwrap().starts_with("Basic "));
}

#[test]
fn oidcc_client_test_userinfo_invalid_sub() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    server.set(|behaviour| drop(behaviour.userinfo.insert("sub".to_owned(), "mallory".into())));
    sandbox.run(&["whoami"]).fails(1).says("returned a different user");
}

/// `oidcc-client-test-signing-key-rotation`, and `-just-before-signing`, where the new key already signs
/// the first token.
#[test]
fn oidcc_client_test_signing_key_rotation() {
    for just_before in [false, true] {
        let server = AuthorizationServer::start();
        let sandbox = Sandbox::with_server(&server.domain());
        sandbox.run(&["login"]).ok();
        server.rotate_key();
        if !just_before {
            sandbox.run(&["login"]).ok();
            server.rotate_key();
        }
        sandbox.run(&["login"]).ok();
        assert!(server.requests_to("/jwks").len() >= 2);
    }
}
