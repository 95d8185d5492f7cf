//! The modules of the OpenID conformance suite for relying parties, by their names: what must go well does, and what must be
//! rejected is, by the program's own word. A server cannot see a rejection: each asserts the error.
//!
//! Not here: `userinfo-bearer-body` (the token goes into the header alone), and the dynamic registration plan.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::client_authentication::key;
use crate::support::authorization_server::Behaviour;
use crate::support::authorization_server::jws::rsa_jwk;
use crate::support::browsers::{Does, follow, redirect_of};
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

type SetUp = fn(&AuthorizationServer);

fn change(server: &AuthorizationServer, change: impl FnOnce(&mut Behaviour)) {
    server.set(change);
}

fn claims(server: &AuthorizationServer, claims: Value) {
    server.set(|behaviour| behaviour.claims = claims.as_object().unwrap().clone());
}

fn metadata(server: &AuthorizationServer, members: Value) {
    server.set(|behaviour| behaviour.metadata.extend(members.as_object().unwrap().clone()));
}

fn id_token(server: &AuthorizationServer, forged: String) {
    server.set(|behaviour| drop(behaviour.token_members.insert("id_token".to_owned(), forged.into())));
}

fn forged(header: Value) -> String {
    use base64::Engine as _;
    let part = |value: Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(header), part(json!({ "sub": "mallory" })))
}

fn rsa(server: &AuthorizationServer) {
    metadata(server, json!({ "id_token_signing_alg_values_supported": ["RS256"] }));
    server.set(|behaviour| behaviour.rsa = true);
}

/// A login, and `whoami` after one that goes well; `None` is success, else what is said.
const BASIC: &[(&str, SetUp, Option<&str>)] = &[
    ("oidcc-client-test", |_| {}, None),
    (
        "oidcc-client-test-invalid-iss",
        |s| claims(s, json!({ "iss": "https://evil.example" })),
        Some("`iss` is `https://evil.example`"),
    ),
    ("oidcc-client-test-missing-sub", |s| claims(s, json!({ "sub": null })), Some("has no `sub`")),
    ("oidcc-client-test-invalid-aud", |s| claims(s, json!({ "aud": "other" })), Some("lacks this client")),
    ("oidcc-client-test-missing-aud", |s| claims(s, json!({ "aud": null })), Some("has no `aud`")),
    ("oidcc-client-test-missing-iat", |s| claims(s, json!({ "iat": null })), Some("has no `iat`")),
    (
        "oidcc-client-test-kid-absent-single-jwks",
        |s| change(s, |behaviour| behaviour.no_key_ids = true),
        None,
    ),
    (
        // Several keys of the algorithm, and no word which: all are tried (RFC 7515 section 4.1.4).
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
        Some("`nonce` does not agree"),
    ),
    (
        "oidcc-client-test-invalid-athash",
        |s| claims(s, json!({ "at_hash": "AAAA" })),
        Some("`at_hash` does not agree"),
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
    sandbox.run(&["whoami"]).fails(1).says("speaks of another user");
}

/// `oidcc-client-test-signing-key-rotation`, and `-just-before-signing`, where the first token that is seen is already by
/// the new key.
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

#[test]
fn refresh_token_plan() {
    let now = jiff::Timestamp::now().as_second();
    for (module, changes, want) in [
        ("oidcc-client-test-refresh-token", json!({}), None),
        (
            "oidcc-client-test-refresh-token-invalid-issuer",
            json!({ "iss": "https://evil.example" }),
            Some("`iss` is `https://evil.example`"),
        ),
        (
            "oidcc-client-test-refresh-token-invalid-sub",
            json!({ "sub": "mallory" }),
            Some("`sub` is `mallory`"),
        ),
        ("another login's time", json!({ "auth_time": now - 7 }), Some("`auth_time` does not agree")),
        ("another nonce", json!({ "nonce": "other" }), Some("`nonce` does not agree")),
        ("another party", json!({ "azp": "app" }), Some("`azp` does not agree")),
    ] {
        let server = AuthorizationServer::start();
        server.set(|behaviour| {
            behaviour.rotates = false;
            behaviour.id_token_on_refresh = true;
        });
        claims(&server, json!({ "auth_time": now }));
        let sandbox = Sandbox::with_server(&server.domain());
        sandbox.run(&["login"]).ok();
        let before = sandbox.run(&["token"]).ok();
        let mut changed = Map::from_iter([("auth_time".to_owned(), now.into())]);
        changed.extend(changes.as_object().unwrap().clone());
        claims(&server, changed.into());
        let output = sandbox.run(&["token", "--refresh"]);
        match want {
            None => assert_ne!(output.ok(), before, "{module}"),
            Some(said) => {
                assert_eq!(output.status, 1, "{module}: {output}");
                assert!(output.stderr.contains(said), "{module}: {output}");
                assert_eq!(sandbox.run(&["token"]).ok(), before, "{module}: the old record is kept");
            }
        }
    }
}

#[test]
fn rp_initiated_logout_plan() {
    for (module, state, want) in [
        ("oidcc-client-test-rp-init-logout", None, None),
        ("oidcc-client-test-rp-init-logout-other-state", Some(json!("other")), Some("no redirect came")),
        ("oidcc-client-test-rp-init-logout-no-state", Some(json!(null)), Some("no redirect came")),
    ] {
        let server = AuthorizationServer::start();
        server.set(|behaviour| behaviour.logout_state = state);
        let uri = "post_logout_redirect_uri = \"http://127.0.0.1/logged-out\"";
        let mut sandbox = Sandbox::new(&server_config(&server.domain(), uri));
        sandbox.run(&["login"]).ok();
        // Nobody waits in earnest for what will not come: when the browser has been there, the clock goes on.
        let clock = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let seen = clock.clone();
        sandbox.system.browser = Arc::new(Does(Arc::new(move |url| {
            let answer = follow(&url);
            if answer.is_some_and(|(status, _)| status == 400) {
                seen.store(true, std::sync::atomic::Ordering::SeqCst);
            }
        })));
        sandbox.clock.advance_when(clock, 600);
        let output = sandbox.run(&["logout", "--end-session"]);
        match want {
            None => drop(output.ok().says("The session at the server is over.")),
            Some(said) => {
                assert_eq!(output.status, 1, "{module}: {output}");
                assert!(output.stderr.contains(said), "{module}: {output}");
                assert!(output.stderr.contains("The server revoked the refresh token"), "{module}: {output}");
            }
        }
        sandbox.run(&["token"]).fails(3);
    }
}

/// A server and a client as FAPI 2.0 wants them: pushed requests, assertions, bound tokens, `iss` in redirects.
fn fapi() -> (AuthorizationServer, Sandbox) {
    let (pem, public) = key();
    let server = AuthorizationServer::start();
    metadata(&server, json!({ "authorization_response_iss_parameter_supported": true }));
    let issuer = server.issuer();
    server.set(|behaviour| {
        behaviour.client_assertions = Some(public);
        behaviour.requires_par = true;
        behaviour.dpop = true;
        behaviour.dpop_nonces = Some(("as-nonce".to_owned(), "rs-nonce".to_owned()));
        behaviour.redirect_issuer = Some(issuer);
    });
    let more = "private_key = { file = \"key.pem\" }\nuse_dpop = true";
    let sandbox = Sandbox::new(&server_config(&server.domain(), more));
    sandbox.write("config/key.pem", &pem);
    (server, sandbox)
}

/// As the plan names them, without `fapi2-security-profile-final-client-test-`.
const FAPI: &[(&str, SetUp, Option<&str>)] = &[
    ("happy-path", |_| {}, None),
    ("happy-path-no-dpop-nonce", |s| change(s, |behaviour| behaviour.dpop_nonces = None), None),
    (
        "discovery-issuer-mismatch",
        |s| metadata(s, json!({ "issuer": "https://evil.example" })),
        Some("its metadata is for the issuer"),
    ),
    (
        "invalid-authorization-response-iss",
        |s| change(s, |behaviour| behaviour.redirect_issuer = Some("https://evil.example".to_owned())),
        Some("its `iss` is `https://evil.example`"),
    ),
    (
        "remove-authorization-response-iss",
        |s| change(s, |behaviour| behaviour.redirect_issuer = None),
        Some("names itself in its answer (`iss`), and the answer does not"),
    ),
    ("invalid-iss", |s| claims(s, json!({ "iss": "https://evil.example" })), Some("`iss` is")),
    ("invalid-aud", |s| claims(s, json!({ "aud": "other" })), Some("lacks this client")),
    (
        "invalid-secondary-aud",
        |s| claims(s, json!({ "aud": ["app", "other"] })),
        Some("others beside this client"),
    ),
    ("valid-aud-as-array", |s| claims(s, json!({ "aud": ["app"] })), None),
    ("invalid-missing-aud", |s| claims(s, json!({ "aud": null })), Some("has no `aud`")),
    ("invalid-missing-iss", |s| claims(s, json!({ "iss": null })), Some("has no `iss`")),
    ("invalid-missing-exp", |s| claims(s, json!({ "exp": null })), Some("has no `exp`")),
    ("invalid-expired-exp", |s| claims(s, json!({ "exp": 1000 })), Some("which is past")),
    ("invalid-nonce", |s| claims(s, json!({ "nonce": "other" })), Some("`nonce` does not agree")),
    ("invalid-missing-nonce", |s| claims(s, json!({ "nonce": null })), Some("has no `nonce`")),
    ("invalid-null-alg", |s| id_token(s, forged(json!({ "alg": null }))), Some("signed with ``")),
    (
        "invalid-alternate-alg",
        |s| id_token(s, forged(json!({ "alg": "RS256" }))),
        Some("signed with `RS256`"),
    ),
    (
        "token-type-case-insensitivity",
        |s| {
            change(s, |behaviour| {
                drop(behaviour.token_members.insert("token_type".to_owned(), "dPOp".into()))
            })
        },
        None,
    ),
    (
        "token-endpoint-response-without-expires_in",
        |s| change(s, |behaviour| behaviour.expires_in = None),
        None,
    ),
    // The embedded server writes the scheme of its challenges in small letters.
    ("rs-dpop-auth-scheme-case-insensitivity", |_| {}, None),
];

#[test]
fn fapi2_security_profile_final_client_plan() {
    for (module, set_up, want) in FAPI {
        let (server, sandbox) = fapi();
        set_up(&server);
        let output = sandbox.run(&["login"]);
        match want {
            None => {
                assert_eq!(output.status, 0, "{module}: {output}");
                sandbox.run(&["whoami"]).ok();
                sandbox.run(&["token"]).ok();
            }
            Some(said) => {
                assert_eq!(output.status, 1, "{module}: {output}");
                assert!(output.stderr.contains(said), "{module}: {output}");
                assert!(sandbox.stores_nothing(), "{module}");
                let after_redirect = module.contains("authorization-response-iss");
                assert!(
                    !after_redirect || server.requests_to("/token").is_empty(),
                    "{module}: no token request"
                );
            }
        }
    }
}

/// `fapi2-security-profile-final-client-refresh-token-test`
#[test]
fn fapi2_security_profile_final_client_refresh_token_test() {
    let (server, sandbox) = fapi();
    sandbox.run(&["login"]).ok();
    let first = sandbox.run(&["token"]).ok();
    assert_ne!(sandbox.run(&["token", "--refresh"]).ok(), first);
    assert_eq!(server.token_requests("refresh_token"), 1);
}

/// `ensure-authorization-response-with-invalid-state-fails` and `…-with-invalid-missing-state-fails`: such an answer is
/// nobody's; it cannot end the login, and no code of it is used.
#[test]
fn ensure_authorization_response_with_invalid_or_missing_state_fails() {
    for (module, state) in [("invalid-state", Some("other")), ("invalid-missing-state", None)] {
        let (server, mut sandbox) = fapi();
        let answers = Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = answers.clone();
        sandbox.system.browser = Arc::new(Does(Arc::new(move |url| {
            let redirect = redirect_of(&url).unwrap();
            let mut wrong = redirect.clone();
            let kept: Vec<(String, String)> =
                redirect.query_pairs().into_owned().filter(|(name, _)| name != "state").collect();
            wrong.query_pairs_mut().clear().extend_pairs(kept);
            if let Some(state) = state {
                wrong.query_pairs_mut().append_pair("state", state);
            }
            seen.lock().unwrap().push(follow(&wrong).unwrap().0);
        })));
        sandbox.run(&["login", "--timeout", "700ms"]).fails(1).says("no redirect came");
        assert_eq!(*answers.lock().unwrap(), [400], "{module}");
        assert!(server.requests_to("/token").is_empty(), "{module}");
    }
}
