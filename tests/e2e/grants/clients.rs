//! Who the client is, and how it proves that: secrets and assertions (RFC 7523).

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{file, home, names, oauth, openssl};
use crate::parts::{OidcProvider, node};

/// A secret that needs encoding both in the header and in the body (RFC 6749 appendix B and section 2.3.1).
const SECRET: &str = "a:b%c+d /=&?0123456789abcdef0123456789";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Private keys in common file formats.
fn make_keys(folder: &Path) {
    for command in [
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem",
        "pkey -in rsa.pem -traditional -out rsa-pkcs1.pem",
        "ecparam -name prime256v1 -genkey -noout -out p256-sec1.pem",
        "ecparam -name prime256v1 -genkey -out p256-sec1-with-parameters.pem",
        "pkcs8 -topk8 -nocrypt -in p256-sec1.pem -out p256.pem",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out p384.pem",
        "ecparam -name secp384r1 -genkey -noout -out p384-sec1.pem",
        "genpkey -algorithm ed25519 -out ed25519.pem",
    ] {
        openssl(folder, command);
    }
    for (name, begins) in [
        ("rsa.pem", "-----BEGIN PRIVATE KEY-----"),
        ("rsa-pkcs1.pem", "-----BEGIN RSA PRIVATE KEY-----"),
        ("p256-sec1.pem", "-----BEGIN EC PRIVATE KEY-----"),
        ("p256-sec1-with-parameters.pem", "-----BEGIN EC PARAMETERS-----"),
    ] {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        assert!(text.starts_with(begins), "{name}: {text:.40}");
    }
    for (from, kid) in [("rsa", "rsa-key"), ("p256", "p256-key"), ("ed25519", "ed25519-key")] {
        let script = format!(
            "const key = require('node:crypto').createPrivateKey(require('node:fs').readFileSync('{from}.pem'));\
             console.log(JSON.stringify({{ ...key.export({{ format: 'jwk' }}), kid: '{kid}' }}));"
        );
        let output = Command::new(node()).args(["-e", &script]).current_dir(folder).output().unwrap();
        file(folder, &format!("{from}.jwk"), &String::from_utf8(output.stdout).unwrap());
    }
}

#[test]
fn client_secrets_are_encoded_for_each_method() {
    let methods = ["client_secret_basic", "client_secret_post", "client_secret_jwt"];
    let clients: Vec<Value> = methods
        .iter()
        .map(|method| {
            json!({
                "client_id": method, "client_secret": SECRET, "token_endpoint_auth_method": method,
                "grant_types": ["client_credentials"],
            })
        })
        .collect();
    let server = OidcProvider::with(&json!({ "clients": clients }));
    let configured: Vec<String> = methods
        .iter()
        .map(|method| {
            oauth(
                &method.replace('_', "-"),
                &server,
                &format!(
                    "grant_type = \"client_credentials\"\nclient_id = \"{method}\"\n_client_secret = \"{SECRET}\"\ntoken_endpoint_auth_method = \"{method}\"\n"
                ),
            )
        })
        .collect();
    let home = home(&configured);
    for (method, in_header, in_body) in [
        ("client_secret_basic", Some("Basic"), &["grant_type"][..]),
        ("client_secret_post", None, &["client_id", "client_secret", "grant_type"]),
        (
            "client_secret_jwt",
            None,
            &["client_assertion", "client_assertion_type", "client_id", "grant_type"],
        ),
    ] {
        let token = home.run(&["token", &method.replace('_', "-")]);
        assert_eq!(token.status, Some(0), "{method}: {token:#?}");
        let request = server.requests_to("/token").pop().unwrap();
        assert_eq!(request["authorization"].as_str(), in_header, "{method}");
        assert_eq!(names(&request), in_body, "{method}");
    }
}

/// Name, key file, configured algorithm, the server's kid, the configured kid, the algorithm used.
type KeyRow = (
    &'static str,
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
    Option<&'static str>,
    &'static str,
);

const KEY_ROWS: &[KeyRow] = &[
    ("rsa", "rsa.pem", None, None, None, "RS256"),
    ("rsa-rs512", "rsa.pem", Some("RS512"), None, None, "RS512"),
    ("rsa-ps256", "rsa.pem", Some("PS256"), None, None, "PS256"),
    ("rsa-pkcs1", "rsa-pkcs1.pem", None, Some("mine"), Some("mine"), "RS256"),
    ("rsa-pkcs1-ps384", "rsa-pkcs1.pem", Some("PS384"), None, None, "PS384"),
    ("rsa-jwk", "rsa.jwk", None, Some("rsa-key"), None, "RS256"),
    ("p256", "p256.pem", None, None, None, "ES256"),
    ("p256-sec1", "p256-sec1.pem", Some("ES256"), Some("k1"), Some("k1"), "ES256"),
    ("p256-sec1-with-parameters", "p256-sec1-with-parameters.pem", None, None, None, "ES256"),
    ("p256-jwk", "p256.jwk", None, Some("p256-key"), None, "ES256"),
    ("p384", "p384.pem", None, None, None, "ES384"),
    ("p384-sec1", "p384-sec1.pem", None, None, None, "ES384"),
    ("ed25519", "ed25519.pem", None, None, None, "EdDSA"),
    ("ed25519-jwk", "ed25519.jwk", None, Some("other"), Some("other"), "EdDSA"),
];

/// Checks the assertion in a token request (RFC 7523 section 3).
fn check_assertion(name: &str, request: &Value, issuer: &str, algorithm: &str, kid: Option<&str>) {
    assert_eq!(request["authorization"], Value::Null, "{name}: O5");
    assert_eq!(request["parameters"]["client_assertion_type"], JWT_BEARER, "{name}: W1");
    let (header, claims) = (&request["client_assertion"]["header"], &request["client_assertion"]["claims"]);
    assert_eq!(header["alg"], algorithm, "{name}: W4");
    assert_eq!(header["kid"].as_str(), kid, "{name}");
    assert_eq!(header["typ"], "client-authentication+jwt", "{name}: W2");
    assert_eq!(claims["aud"], issuer, "{name}: W2, the issuer as the sole value");
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!(name), &json!(name)), "{name}: W1");
    let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert!((1..=300).contains(&life), "{name}: W1, {life} seconds");
}

#[test]
fn assertions_work_with_every_key_type() {
    let folder = tempfile::tempdir().unwrap();
    make_keys(folder.path());
    let clients: Vec<Value> = KEY_ROWS
        .iter()
        .map(|&(name, key, _, kid, _, used)| {
            let key = json!({ "file": folder.path().join(key), "kid": kid });
            json!({
                "client_id": name, "token_endpoint_auth_method": "private_key_jwt", "keys": [key],
                "token_endpoint_auth_signing_alg": used, "grant_types": ["client_credentials"],
            })
        })
        .collect();
    let server = OidcProvider::with(&json!({ "clients": clients }));
    let configured = |name: &str, client: &str, key: &str, more: &str| {
        oauth(
            name,
            &server,
            &format!(
                "grant_type = \"client_credentials\"\nclient_id = \"{client}\"\nprivate_key = {{ file = \"{}\" }}\n{more}",
                folder.path().join(key).display()
            ),
        )
    };
    let mut credentials: Vec<String> = KEY_ROWS
        .iter()
        .map(|&(name, key, algorithm, _, key_id, _)| {
            let algorithm = algorithm.map(|name| format!("token_endpoint_auth_signing_alg = \"{name}\"\n"));
            let key_id = key_id.map(|id| format!("private_key_id = \"{id}\"\n"));
            configured(name, name, key, &[algorithm, key_id].into_iter().flatten().collect::<String>())
        })
        .collect();
    credentials.push(configured("somebody-else", "p384", "p384-sec1.pem", ""));
    let legacy =
        "token_endpoint_auth_method = \"private_key_jwt\"\nquirks = { token_endpoint_audience = true }\n";
    credentials.push(configured("legacy", "p256", "p256.pem", legacy));
    let home = home(&credentials);
    let mut used_ids = BTreeSet::new();
    for &(name, _, _, kid, _, algorithm) in KEY_ROWS {
        let token = home.run(&["token", name]);
        assert_eq!(token.status, Some(0), "{name}: {token:#?}");
        let request = server.requests_to("/token").pop().unwrap();
        check_assertion(name, &request, &server.issuer, algorithm, kid);
        let id = request["client_assertion"]["claims"]["jti"].as_str().unwrap();
        assert!(used_ids.insert(id.to_owned()), "{name}: W1");
    }

    home.run(&["token", "somebody-else"]).fails(1).says("invalid_client");
    home.run(&["token", "legacy"]).ok();
    let request = server.requests_to("/token").pop().unwrap();
    let (header, claims) = (&request["client_assertion"]["header"], &request["client_assertion"]["claims"]);
    assert_eq!(claims["aud"], format!("{}/token", server.issuer), "for old servers");
    assert_eq!(header["typ"], "JWT", "for old servers");
}

#[test]
fn unusable_keys_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for command in [
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem",
        "pkey -in rsa.pem -aes256 -passout pass:the-password -out encrypted.pem",
        "pkey -in rsa.pem -traditional -aes256 -passout pass:the-password -out encrypted-pkcs1.pem",
        "pkey -in rsa.pem -pubout -out public.pem",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out short.pem",
        "ecparam -name secp256k1 -genkey -noout -out bitcoin.pem",
    ] {
        openssl(folder, command);
    }
    file(folder, "password", "the-password\n");
    let key = json!({ "file": folder.join("rsa.pem") });
    let server = OidcProvider::with(&json!({ "clients": [{
        "client_id": "robot", "token_endpoint_auth_method": "private_key_jwt", "keys": [key],
        "grant_types": ["client_credentials"],
    }] }));
    let keys = "grant_type = \"client_credentials\"\nclient_id = \"robot\"\n";
    let path = folder.display();
    for (name, said) in [
        ("encrypted.pem", "it is encrypted with a password"),
        ("encrypted-pkcs1.pem", "it is encrypted with a password"),
        ("public.pem", "neither a private key in PEM"),
        ("short.pem", "is not an RSA key of 2048 to 4096 bits"),
        ("bitcoin.pem", "P-256, P-384 or Ed25519 key"),
    ] {
        let key = format!("private_key = {{ file = \"{path}/{name}\" }}\n");
        let token = home(&[oauth("robot", &server, &format!("{keys}{key}"))]).run(&["token"]);
        assert!(token.status != Some(0) && token.stderr.contains(said), "{name}: {token:#?}");
    }
    assert_eq!(server.requests_to("/token").len(), 0);
    let command = format!(
        "private_key = {{ command = [\"openssl\", \"pkey\", \"-in\", \"{path}/encrypted.pem\", \"-passin\", \"file:{path}/password\"] }}\n"
    );
    home(&[oauth("robot", &server, &format!("{keys}{command}"))]).run(&["token"]).ok();
}
