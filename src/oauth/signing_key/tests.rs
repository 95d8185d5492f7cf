use super::*;
use crate::oauth::jose::KeySet;
use crate::oauth::jwt::is_signed_by;

fn parse(text: &str) -> Result<SigningKey, KeyError> {
    SigningKey::parse(&SecretText::new(text))
}

/// The payload of RFC 7515 appendix A, base64url.
const PAYLOAD: &str =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

#[test]
fn the_signatures_of_rfc_7515_a2_and_rfc_8037_a4() {
    let ed = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
                 "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    for (name, key, message, want) in [
        (
            "RFC 7515 A.2, RS256",
            include_str!("../vectors/rfc7515-a2.json"),
            format!("eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}"),
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        ),
        (
            "RFC 8037 A.4, EdDSA",
            ed,
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".to_owned(),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        ),
    ] {
        let signature = parse(key).unwrap().signature(message.as_bytes()).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(signature), want, "{name}");
    }
    assert_eq!(
        parse(ed).unwrap().thumbprint(),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        "RFC 8037 A.3"
    );
}

#[test]
fn keys_of_every_format_sign_verifiable_assertions() {
    for (name, text, algorithm, usual) in [
        ("PKCS#1", include_str!("../vectors/rsa-pkcs1.pem"), None, "RS256"),
        ("PKCS#8 RSA", include_str!("../vectors/rsa-pkcs8.pem"), Some(Algorithm::PS256), "PS256"),
        ("JWK RSA", include_str!("../vectors/rfc7515-a2.json"), Some(Algorithm::RS512), "RS512"),
        ("SEC1", include_str!("../vectors/p256-sec1.pem"), None, "ES256"),
        ("SEC1, private half alone", include_str!("../vectors/p256-nopub-sec1.pem"), None, "ES256"),
        ("PKCS#8 P-256", include_str!("../vectors/p256-pkcs8.pem"), Some(Algorithm::ES256), "ES256"),
        ("PKCS#8, private half alone", include_str!("../vectors/p256-nopub-pkcs8.pem"), None, "ES256"),
        ("SEC1 P-384", include_str!("../vectors/p384-sec1.pem"), None, "ES384"),
        ("PKCS#8 P-384", include_str!("../vectors/p384-pkcs8.pem"), None, "ES384"),
        ("PKCS#8 version 1 Ed25519", include_str!("../vectors/ed-pkcs8.pem"), None, "EdDSA"),
    ] {
        let key = parse(text).and_then(|key| key.using(algorithm, Some("the key"))).unwrap();
        let token = key.sign(&json!({ "typ": "x" }), &json!({ "a": 1 })).unwrap();
        let header = URL_SAFE_NO_PAD.decode(token.expose().split('.').next().unwrap()).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!(header, json!({ "alg": usual, "kid": "the key", "typ": "x" }), "{name}");
        let mut public = key.public_jwk();
        public["kid"] = "the key".into();
        let keys = KeySet::parse(json!({ "keys": [public] }).to_string().as_bytes()).unwrap();
        assert!(is_signed_by(token.expose(), &keys, usual.parse().unwrap(), Some("the key")), "{name}");
        assert!(!public.to_string().contains("\"d\""), "{name}");
        assert!(!format!("{key:?}").contains("PRIVATE"), "{name}");
    }
}

#[test]
fn the_halves_of_one_key_agree() {
    let thumbprint = |text: &str| parse(text).unwrap().thumbprint();
    let whole = thumbprint(include_str!("../vectors/p256-sec1.pem"));
    for other in [
        include_str!("../vectors/p256-nopub-sec1.pem"),
        include_str!("../vectors/p256-nopub-pkcs8.pem"),
        include_str!("../vectors/p256-pkcs8.pem"),
    ] {
        assert_eq!(thumbprint(other), whole);
    }
}

#[test]
fn what_is_no_key_is_refused_without_being_shown() {
    let beside = format!(
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n{}",
        include_str!("../vectors/p256-sec1.pem")
    );
    assert!(parse(&beside).is_ok(), "a certificate beside it");
    for (name, text, want) in [
        ("nothing", "", KeyError::NotAKey),
        ("a password", "canary", KeyError::NotAKey),
        ("a public JWK", r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#, KeyError::NotAKey),
        ("a secret JWK", r#"{"kty":"oct","k":"AA"}"#, KeyError::NotAKey),
        ("two JWKs", r#"{"keys":[{},{}]}"#, KeyError::NotAKey),
        ("encrypted", include_str!("../vectors/enc.pem"), KeyError::Encrypted),
        ("P-521", include_str!("../vectors/p521-sec1.pem"), KeyError::Unsupported),
        ("X25519", r#"{"kty":"OKP","crv":"X25519","x":"AA","d":"AA"}"#, KeyError::Unsupported),
        ("damaged", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", KeyError::Unsupported),
    ] {
        assert_eq!(parse(text).unwrap_err(), want, "{name}");
    }
    let rsa = || parse(include_str!("../vectors/rsa-pkcs1.pem")).unwrap();
    let ed = || parse(include_str!("../vectors/ed-pkcs8.pem")).unwrap();
    for (name, key, algorithm) in
        [("a MAC", rsa(), Algorithm::HS256), ("another kind", ed(), Algorithm::ES256)]
    {
        assert_eq!(
            key.using(Some(algorithm), None).unwrap_err(),
            KeyError::OtherAlgorithm(algorithm),
            "{name}"
        );
    }
}

#[test]
fn a_stored_dpop_key_is_unchanged() {
    let (key, kept) = SigningKey::generate().unwrap();
    assert_eq!(SigningKey::kept(&kept).unwrap().thumbprint(), key.thumbprint());
    assert_ne!(SigningKey::generate().unwrap().0.thumbprint(), key.thumbprint());
}
