//! The plans of the FAPI 2.0 security profile.

use std::sync::Arc;

use serde_json::json;

use super::{SetUp, change, claims, forged, id_token, metadata};
use crate::client_authentication::key;
use crate::support::browsers::{Does, follow, redirect_of};
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

/// A server and a client as FAPI 2.0 requires them: pushed requests, assertions, bound tokens, `iss` in redirects.
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
        Some("the response has no `iss`"),
    ),
    ("invalid-iss", |s| claims(s, json!({ "iss": "https://evil.example" })), Some("`iss` is")),
    ("invalid-aud", |s| claims(s, json!({ "aud": "other" })), Some("does not include this client")),
    (
        "invalid-secondary-aud",
        |s| claims(s, json!({ "aud": ["app", "other"] })),
        Some("others besides this client"),
    ),
    ("valid-aud-as-array", |s| claims(s, json!({ "aud": ["app"] })), None),
    ("invalid-missing-aud", |s| claims(s, json!({ "aud": null })), Some("has no `aud` claim")),
    ("invalid-missing-iss", |s| claims(s, json!({ "iss": null })), Some("has no `iss` claim")),
    ("invalid-missing-exp", |s| claims(s, json!({ "exp": null })), Some("has no `exp` claim")),
    ("invalid-expired-exp", |s| claims(s, json!({ "exp": 1000 })), Some("in the past")),
    ("invalid-nonce", |s| claims(s, json!({ "nonce": "other" })), Some("`nonce` does not match")),
    ("invalid-missing-nonce", |s| claims(s, json!({ "nonce": null })), Some("has no `nonce` claim")),
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
    // The embedded server writes the scheme of its challenges in lower case.
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

/// `ensure-authorization-response-with-invalid-state-fails` and `…-with-invalid-missing-state-fails`: such a redirect
/// belongs to no login: it cannot end the login, and its code is not used.
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
        sandbox.run(&["login", "--timeout", "700ms"]).fails(1).says("the browser did not return");
        assert_eq!(*answers.lock().unwrap(), [400], "{module}");
        assert!(server.requests_to("/token").is_empty(), "{module}");
    }
}
