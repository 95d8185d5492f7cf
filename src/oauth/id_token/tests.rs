//! The claims and signatures of ID tokens. The file is long because its tables have a row for every check of OpenID
//! Connect Core section 3.1.3.7.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::Algorithm;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::validation::half_hash;
use super::*;
use crate::oauth::jose::KeySet;
use crate::secret::{AccessToken, ClientSecret, IdToken, Nonce};

struct Signer(EcdsaKeyPair);

impl Signer {
    fn new() -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let key =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
        Self(key)
    }

    fn jwk(&self, kid: &str) -> Value {
        let point = &self.0.public_key().as_ref()[1..];
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"kty":"EC","crv":"P-256","kid":kid,"use":"sig","x":encode(&point[..32]),"y":encode(&point[32..])})
    }

    fn sign(&self, header: &Value, claims: &Value) -> IdToken {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = self.0.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        IdToken::new(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref())))
    }
}

fn keys(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn changed(base: &Value, changes: Value) -> Value {
    let mut claims = base.as_object().unwrap().clone();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.remove(name);
        } else {
            claims.insert(name.clone(), value.clone());
        }
    }
    Value::Object(claims)
}

/// What a client without a nonce or secret expects at 1,000,000 seconds.
fn expected(algorithms: &[Algorithm]) -> Expected<'_> {
    Expected {
        issuer: AcceptedIssuer { issuer: "https://as.example", other: None, tenant: false },
        client_id: "app",
        nonce: None,
        algorithms,
        client_secret: None,
        access_token: None,
        max_age: None,
        now: Timestamp::from_second(1_000_000).unwrap(),
    }
}

/// Changes to valid claims, and the error that each of them causes; empty if they stay valid.
fn changed_claims(at_hash: &str) -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("as it should be", json!({}), ""),
        ("valid-aud-as-array", json!({"aud":["app"]}), ""),
        (
            "invalid-iss",
            json!({"iss":"https://evil.example"}),
            "`iss` is `https://evil.example`, not https://as.example",
        ),
        ("missing iss", json!({"iss":null}), "has no `iss` claim"),
        ("invalid-aud", json!({"aud":"other"}), "`aud` is `other`, which does not include this client, app"),
        ("missing-aud", json!({"aud":null}), "has no `aud` claim"),
        (
            "invalid-secondary-aud",
            json!({"aud":["app","other"]}),
            "`aud` is `app other`, which includes others besides this client, and no `azp` names this client",
        ),
        ("several with azp", json!({"aud":["app","other"],"azp":"app"}), ""),
        ("azp of another", json!({"azp":"other"}), "`azp` is `other`, not this client, app"),
        (
            "invalid-expired-exp",
            json!({"exp":999_000}),
            "`exp` is `999000`, in the past: this machine's clock says 1000000",
        ),
        ("within the leeway", json!({"exp":999_950}), ""),
        ("missing exp", json!({"exp":null}), "has no `exp` claim"),
        ("missing-iat", json!({"iat":null}), "has no `iat` claim"),
        (
            "future iat",
            json!({"iat":1_001_000}),
            "`iat` is `1001000`, in the future: this machine's clock says 1000000",
        ),
        ("nbf in the future", json!({"nbf":1_001_000}), "`nbf` does not match"),
        ("nonce-invalid", json!({"nonce":"other"}), "`nonce` does not match"),
        ("missing nonce", json!({"nonce":null}), "has no `nonce` claim"),
        ("missing-sub", json!({"sub":null}), "has no `sub` claim"),
        ("long sub", json!({"sub":"x".repeat(256)}), "`sub` is"),
        ("at_hash", json!({"at_hash":at_hash}), ""),
        ("invalid-athash", json!({"at_hash":"AAAA"}), "`at_hash` does not match"),
        ("at_hash is not a string", json!({"at_hash":5}), "`at_hash` does not match"),
    ]
}

#[test]
fn id_token_claims_are_checked() {
    let signer = Signer::new();
    let nonce = Nonce::new("n-0S6_WzA2Mj");
    let access_token = AccessToken::new("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y");
    let at_hash = half_hash(Algorithm::ES256, access_token.expose());
    let expected =
        Expected { nonce: Some(&nonce), access_token: Some(&access_token), ..expected(&[Algorithm::ES256]) };
    let good = json!({"iss":"https://as.example","aud":"app","sub":"alice","exp":1_000_300,"iat":1_000_000,"nonce":"n-0S6_WzA2Mj"});
    let set = keys(&[signer.jwk("1")]);
    let checked = |changes, expected: &Expected<'_>| {
        let token = signer.sign(&json!({"alg":"ES256","kid":"1"}), &changed(&good, changes));
        validate(&token, &set, expected)
    };
    for (name, changes, want) in changed_claims(&at_hash) {
        let error = checked(changes, &expected).err().map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(error.is_empty(), want.is_empty(), "{name}: {error}");
        assert!(error.contains(want), "{name}: {error}");
    }
    let aged = Expected { max_age: Some(60), ..expected };
    for (name, changes, valid) in [
        ("recent", json!({"auth_time":999_990}), true),
        ("long ago", json!({"auth_time":900_000}), false),
        ("missing", json!({}), false),
    ] {
        assert_eq!(checked(changes, &aged).is_ok(), valid, "{name}");
    }
}

#[test]
fn signatures_are_verified_with_the_expected_algorithm_and_key_f_jwt() {
    let (signer, other) = (Signer::new(), Signer::new());
    let expected = expected(&[Algorithm::ES256]);
    let claims =
        json!({"iss":"https://as.example","aud":"app","sub":"alice","exp":1_000_300,"iat":1_000_000});
    let one = keys(&[signer.jwk("1")]);
    let two = keys(&[other.jwk("2"), signer.jwk("1")]);
    let wrong_algorithm = |found: &str| {
        format!(
            "the ID token is signed with `{found}` instead of ES256; if the client is registered for another algorithm, set id_token_signed_response_alg"
        )
    };
    let unverified = "the ID token's signature cannot be verified with the server's keys".to_owned();
    for (name, header, set, want) in [
        ("signed", json!({"alg":"ES256","kid":"1"}), &one, None),
        ("kid-absent-single-jwks", json!({"alg":"ES256"}), &one, None),
        ("kid-absent-multiple-jwks", json!({"alg":"ES256"}), &two, None),
        ("unknown kid", json!({"alg":"ES256","kid":"9"}), &one, Some(unverified.clone())),
        ("kid of another key", json!({"alg":"ES256","kid":"2"}), &two, Some(unverified.clone())),
        ("idtoken-sig-none", json!({"alg":"none"}), &one, Some(wrong_algorithm("none"))),
        ("invalid-null-alg", json!({"alg":null}), &one, Some(wrong_algorithm(""))),
        ("invalid-alternate-alg", json!({"alg":"RS256","kid":"1"}), &one, Some(wrong_algorithm("RS256"))),
        ("HS256 with a public key", json!({"alg":"HS256","kid":"1"}), &one, Some(wrong_algorithm("HS256"))),
        (
            "critical extension",
            json!({"alg":"ES256","kid":"1","crit":["b64"],"b64":false}),
            &one,
            Some("the ID token is not a signed JWT".to_owned()),
        ),
        (
            "jku and jwk are ignored",
            json!({"alg":"ES256","jku":"https://evil.example/k","jwk":signer.jwk("1")}),
            &keys(&[other.jwk("2")]),
            Some(unverified.clone()),
        ),
        ("no keys", json!({"alg":"ES256","kid":"1"}), &keys(&[]), Some(unverified.clone())),
    ] {
        let error =
            validate(&signer.sign(&header, &claims), set, &expected).err().map(|error| error.to_string());
        assert_eq!(error, want, "{name}");
    }
    let token = signer.sign(&json!({"alg":"ES256","kid":"1"}), &claims);
    let forged = IdToken::new(token.expose().replacen('.', ".e30", 1));
    assert!(validate(&forged, &one, &expected).is_err());
    for text in ["", "a", "a.b", "a.b.c", "a.b.c.d", "e30.e30.", "..."] {
        assert!(validate(&IdToken::new(text), &one, &expected).is_err(), "{text}");
    }
}

#[test]
fn a_shared_secret_verifies_only_what_it_signed_f_jwt() {
    let claims = json!({
        "iss": "https://as.example", "sub": "alice", "aud": "app", "iat": 1_000_000, "exp": 1_000_300,
    });
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(&json!({ "alg": "HS256" })), encode(&claims));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"the client's secret");
    let signature = URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, message.as_bytes()));
    let token = IdToken::new(format!("{message}.{signature}"));
    let (right, wrong) = (ClientSecret::new("the client's secret"), ClientSecret::new("another"));
    for (name, secret, want) in [
        ("the client's", Some(&right), Ok(())),
        ("another", Some(&wrong), Err(IdTokenError::Signature)),
        ("none", None, Err(IdTokenError::Signature)),
    ] {
        let expected = Expected { client_secret: secret, ..expected(&[Algorithm::HS256]) };
        assert_eq!(validate(&token, &keys(&[]), &expected).map(|_| ()), want, "{name}");
    }
}

#[test]
fn an_id_token_of_another_user_or_issuer_is_recognised_even_when_it_is_not_valid() {
    let signer = Signer::new();
    let login =
        Claims::known(json!({ "iss": "https://as.example", "sub": "alice" }).as_object().unwrap().clone());
    let issuer = AcceptedIssuer { issuer: "https://as.example", other: Some("as.example"), tenant: false };
    let recorded = Owner { issuer, original: Some(&login), subject: None };
    let unrecorded = Owner { issuer, original: None, subject: None };
    let by_userinfo = Owner { issuer, original: None, subject: Some("alice") };
    for (name, owner, claims, want) in [
        ("the same", recorded, json!({ "iss": "https://as.example", "sub": "alice" }), None),
        ("another user", recorded, json!({ "iss": "https://as.example", "sub": "mallory" }), Some("sub")),
        ("another user, known by userinfo", by_userinfo, json!({ "sub": "mallory" }), Some("sub")),
        ("another issuer", recorded, json!({ "iss": "https://evil.example", "sub": "alice" }), Some("iss")),
        (
            "another issuer, nothing recorded",
            unrecorded,
            json!({ "iss": "https://evil.example" }),
            Some("iss"),
        ),
        ("the quirk's issuer, nothing recorded", unrecorded, json!({ "iss": "as.example" }), None),
        ("another user than nobody", unrecorded, json!({ "sub": "alice" }), None),
        ("no claims", recorded, json!({}), None),
        ("an empty subject", recorded, json!({ "sub": "" }), None),
        ("claims of another type", recorded, json!({ "iss": 7, "sub": ["alice"] }), None),
    ] {
        let token = signer.sign(&json!({ "alg": "none" }), &claims);
        let found = owner.check(&token).err().map(|error| error.to_string());
        assert_eq!(found.is_some(), want.is_some(), "{name}: {found:?}");
        assert!(
            want.is_none_or(|claim| found.unwrap_or_default().contains(&format!("`{claim}` is"))),
            "{name}"
        );
    }
    assert_eq!(recorded.check(&IdToken::new("not a token")), Ok(()));
}

#[test]
fn microsoft_tenants() {
    let signer = Signer::new();
    let expected = Expected {
        issuer: AcceptedIssuer { issuer: "https://login.example/{tenantid}/v2.0", other: None, tenant: true },
        ..expected(&[Algorithm::ES256])
    };
    for (issuer, tenant, valid) in [
        ("https://login.example/9188/v2.0", "9188", true),
        ("https://login.example/9188/v2.0", "other", false),
        ("https://login.example/a/b/v2.0", "a/b", false),
        ("https://login.example/{tenantid}/v2.0", "9188", false),
    ] {
        let claims = json!({"iss":issuer,"tid":tenant,"aud":"app","sub":"a","exp":1_000_300,"iat":1_000_000});
        let token = signer.sign(&json!({"alg":"ES256"}), &claims);
        assert_eq!(
            validate(&token, &keys(&[signer.jwk("1")]), &expected).is_ok(),
            valid,
            "{issuer} {tenant}"
        );
    }
}
