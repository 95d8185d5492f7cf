//! Id tokens that must be rejected, through the whole login (the modules of the OpenID conformance suite by name).

use serde_json::json;

use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn an_invalid_id_token_rejects_the_whole_response() {
    for (module, claims, said) in [
        (
            "oidcc-client-test-invalid-iss",
            json!({ "iss": "https://evil.example" }),
            "`iss` is `https://evil.example`",
        ),
        ("oidcc-client-test-missing-sub", json!({ "sub": null }), "has no `sub` claim"),
        ("oidcc-client-test-invalid-aud", json!({ "aud": "other" }), "does not include this client"),
        ("oidcc-client-test-missing-aud", json!({ "aud": null }), "has no `aud` claim"),
        ("invalid-secondary-aud", json!({ "aud": ["app", "other"] }), "others besides this client"),
        ("oidcc-client-test-missing-iat", json!({ "iat": null }), "has no `iat` claim"),
        ("invalid-expired-exp", json!({ "exp": 1000 }), "in the past"),
        ("invalid-missing-exp", json!({ "exp": null }), "has no `exp` claim"),
        ("oidcc-client-test-nonce-invalid", json!({ "nonce": "other" }), "`nonce` does not match"),
        ("invalid-missing-nonce", json!({ "nonce": null }), "has no `nonce` claim"),
        ("oidcc-client-test-invalid-athash", json!({ "at_hash": "AAAA" }), "`at_hash` does not match"),
    ] {
        let server = AuthorizationServer::start();
        server.set(|behaviour| behaviour.claims = claims.as_object().unwrap().clone());
        let sandbox = Sandbox::with_server(&server.domain());
        let output = sandbox.run(&["login"]).fails(1);
        assert!(output.stderr.contains(said), "{module}: {output}");
        assert!(sandbox.stores_nothing(), "{module}: nothing is stored");
        sandbox.run(&["token"]).fails(3);
    }
}

#[test]
fn forged_id_tokens_are_rejected_f_jwt() {
    let part = |value: serde_json::Value| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string())
    };
    for (module, header, said) in [
        (
            "oidcc-client-test-idtoken-sig-none",
            json!({ "alg": "none" }),
            "signed with `none` instead of ES256",
        ),
        ("invalid-alternate-alg", json!({ "alg": "HS256" }), "signed with `HS256`"),
        ("invalid-null-alg", json!({ "alg": null }), "signed with ``"),
        ("oidcc-client-test-invalid-sig-es256", json!({ "alg": "ES256" }), "signature cannot be verified"),
    ] {
        let server = AuthorizationServer::start();
        let forged = format!("{}.{}.c2ln", part(header), part(json!({ "sub": "mallory" })));
        server.set(|behaviour| drop(behaviour.token_members.insert("id_token".to_owned(), forged.into())));
        let sandbox = Sandbox::with_server(&server.domain());
        let output = sandbox.run(&["login"]).fails(1);
        assert!(output.stderr.contains(said), "{module}: {output}");
    }
}

#[test]
fn an_id_token_that_was_asked_for_must_come() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| drop(behaviour.token_members.insert("id_token".to_owned(), json!(null))));
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).fails(1).says("has no `id_token`");
    sandbox.configure(&server_config(&server.domain(), "use_openid = false"));
    sandbox.run(&["login"]).ok();
}

#[test]
fn a_rotated_signing_key_is_fetched() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    assert_eq!(server.requests_to("/jwks").len(), 1);
    server.rotate_key();
    sandbox.run(&["login"]).ok();
    assert_eq!(server.requests_to("/jwks").len(), 2, "fetched again at once, though cached a moment ago");
}

#[test]
fn userinfo_with_another_subject_is_rejected() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    sandbox.run(&["whoami"]).ok();
    server.set(|behaviour| drop(behaviour.userinfo.insert("sub".to_owned(), "mallory".into())));
    sandbox.run(&["whoami"]).fails(1).says("returned a different user");
}

#[test]
fn a_refresh_for_another_subject_is_discarded() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    sandbox.clock.advance(4000);
    for (module, claims, said) in [
        ("oidcc-client-test-refresh-token-invalid-sub", json!({ "sub": "mallory" }), "`sub` is"),
        (
            "oidcc-client-test-refresh-token-invalid-issuer",
            json!({ "iss": "https://evil.example" }),
            "`iss` is",
        ),
    ] {
        server.set(|behaviour| {
            behaviour.rotates = false;
            behaviour.id_token_on_refresh = true;
            behaviour.claims = claims.as_object().unwrap().clone();
            let now = jiff::Timestamp::now().as_second() + 4000;
            behaviour.claims.extend([("iat".to_owned(), now.into()), ("exp".to_owned(), (now + 600).into())]);
        });
        let output = sandbox.run(&["token"]).fails(1);
        assert!(output.stderr.contains(said), "{module}: {output}");
    }
    // The old record is unchanged.
    server.set(|behaviour| behaviour.id_token_on_refresh = false);
    sandbox.run(&["token"]).ok();
}
