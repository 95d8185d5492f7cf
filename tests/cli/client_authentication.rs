//! How the client proves itself: assertions (RFC 7523) and certificates (RFC 8705).

use std::sync::{Arc, Mutex};

use authctl::oauth::signing_key::SigningKey;
use authctl::secret::SecretText;
use serde_json::{Value, json};

use crate::support::http::{Reply, Server};
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

/// A new P-256 key in PKCS#8, and its public JWK.
pub fn key() -> (String, Value) {
    let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let public = SigningKey::parse(&SecretText::new(pem.as_str())).unwrap().public_jwk();
    (pem, public)
}

fn home(server: &AuthorizationServer, more: &str) -> Sandbox {
    Sandbox::new(&server_config(&server.domain(), &format!("grant_type = \"client_credentials\"\n{more}")))
}

/// The embedded server checks every claim of each assertion, and that none comes twice.
#[test]
fn private_key_jwt_works_from_every_secret_source() {
    let (pem, public) = key();
    for (name, config) in [
        ("file", "private_key = { file = \"key.pem\" }"),
        ("env", "_private_key = { env = \"KEY\" }"),
        ("command", "private_key = { command = [\"cat\", \"KEYFILE\"] }"),
        (
            "named",
            "private_key = { file = \"key.pem\" }\ntoken_endpoint_auth_method = \"private_key_jwt\"\nprivate_key_id = \"k1\"",
        ),
    ] {
        let server = AuthorizationServer::start();
        server.set(|behaviour| behaviour.client_assertions = Some(public.clone()));
        let sandbox = home(&server, "");
        let path = sandbox.write("config/key.pem", &pem);
        let config = config.replace("KEYFILE", &path.display().to_string());
        sandbox.configure(&server_config(
            &server.domain(),
            &format!("grant_type = \"client_credentials\"\n{config}"),
        ));
        sandbox.environment.set("KEY", &pem);
        sandbox.run(&["token"]).ok();
        sandbox.run(&["token", "--refresh"]).ok();
        sandbox.run(&["logout"]).ok().says("The server revoked the access token");
        let shown = sandbox.run(&["config", "show"]).ok();
        assert!(!shown.stdout.contains("PRIVATE"), "{name}: {shown}");
        let request = &server.requests_to("/token")[0];
        assert_eq!(request.parameter("client_id").as_deref(), Some("app"), "{name}");
    }
}

#[test]
fn quirks_adapt_assertions_to_old_servers() {
    let (pem, public) = key();
    let server = AuthorizationServer::start();
    server.set(|behaviour| {
        behaviour.client_assertions = Some(public);
        behaviour.assertion_audience = Some(format!("{}/token", "http://HOST"));
    });
    let audience = format!("{}/token", server.issuer());
    server.set(|behaviour| behaviour.assertion_audience = Some(audience));
    let more = "private_key = { file = \"key.pem\" }\nquirks = { token_endpoint_audience = true }";
    let sandbox = home(&server, more);
    sandbox.write("config/key.pem", &pem);
    sandbox.run(&["token"]).ok();
}

#[test]
fn client_secret_jwt() {
    for (name, config, offered) in [
        ("configured", "token_endpoint_auth_method = \"client_secret_jwt\"", None),
        ("offered", "", Some(json!(["client_secret_jwt"]))),
    ] {
        let server = AuthorizationServer::start();
        server.set(|behaviour| {
            behaviour.client_assertions = Some(Value::Null);
            behaviour.client_secret = Some("secret-canary".to_owned());
            if let Some(offered) = offered {
                behaviour.metadata.insert("token_endpoint_auth_methods_supported".to_owned(), offered);
            }
        });
        let sandbox = home(&server, &format!("{config}\n_client_secret = \"secret-canary\""));
        sandbox.run(&["token"]).ok();
        let sent = server.requests_to("/token");
        assert!(
            sent.iter().all(|request| !request.body.contains("secret-canary")),
            "{name}: it never leaves"
        );
    }
}

#[test]
fn an_unusable_key_says_why_and_sends_nothing() {
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (name, key, more, said) in [
        ("no key", "canary", "", "neither a private key in PEM"),
        ("encrypted", encrypted, "", "encrypted with a password"),
        (
            "another algorithm",
            &self::key().0,
            "token_endpoint_auth_signing_alg = \"RS256\"",
            "it does not make RS256 signatures",
        ),
    ] {
        let server = AuthorizationServer::start();
        let sandbox = home(&server, &format!("private_key = {{ file = \"key.pem\" }}\n{more}"));
        sandbox.write("config/key.pem", key);
        let output = sandbox.run(&["token"]).fails(4).says(said);
        assert!(!output.stderr.contains("canary"), "{name}: {output}");
        assert!(server.requests_to("/token").is_empty(), "{name}");
    }
    let server = AuthorizationServer::start();
    for (config, said) in [
        ("token_endpoint_auth_method = \"private_key_jwt\"", "needs `private_key`"),
        ("token_endpoint_auth_method = \"tls_client_auth\"", "needs `certificate`"),
        ("token_endpoint_auth_signing_alg = \"HS256\"\nclient_secret = \"x\"", "must be one of"),
    ] {
        home(&server, config).run(&["token"]).fails(4).says(said);
    }
}

/// What a server saw of the clients' certificates.
#[derive(Debug)]
struct AnyCertificate(Arc<Mutex<Vec<Vec<u8>>>>, Arc<rustls::crypto::CryptoProvider>);

impl rustls::server::danger::ClientCertVerifier for AnyCertificate {
    fn root_hint_subjects(&self) -> &[rustls::DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        end_entity: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::server::danger::ClientCertVerified, rustls::Error> {
        self.0.lock().unwrap().push(end_entity.to_vec());
        Ok(rustls::server::danger::ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &rustls::pki_types::CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.1.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &rustls::pki_types::CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.1.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.1.signature_verification_algorithms.supported_schemes()
    }
}

/// A self-signed certificate with its key, and its DER form.
fn certificate(name: &str) -> (String, String, Vec<u8>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate =
        rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem(), certificate.der().to_vec())
}

/// T1: the certificate is on the connection and the client's name in the body; T2: the endpoints for that are used; T3: a
/// changed certificate is told of.
#[test]
fn mutual_tls_authenticates_the_client() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let (server_pem, server_key, server_der) = certificate("127.0.0.1");
    let key = rustls::pki_types::pem::PemObject::from_pem_slice(server_key.as_bytes()).unwrap();
    let tls = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(Arc::new(AnyCertificate(seen.clone(), provider)))
        .with_single_cert(vec![server_der.into()], key)
        .unwrap();
    let mutual = Server::start_tls(Arc::new(tls), |_| {
        Reply::json(
            200,
            &json!({ "access_token": "over-mutual-tls", "token_type": "Bearer", "expires_in": 60 }),
        )
    });
    let server = AuthorizationServer::start();
    let alias = format!("https://{}/token", mutual.address());
    server.set(|behaviour| {
        drop(
            behaviour.metadata.insert("mtls_endpoint_aliases".to_owned(), json!({ "token_endpoint": alias })),
        );
    });
    let more = "certificate = \"client.pem\"\nca_file = \"ca.pem\"";
    let sandbox = home(&server, more);
    sandbox.write("config/ca.pem", &server_pem);
    let (pem, key, der) = certificate("client");
    sandbox.write("config/client.pem", &format!("{pem}{key}"));
    assert_eq!(sandbox.run(&["token"]).ok().text(), "over-mutual-tls");
    assert_eq!(*seen.lock().unwrap(), [der]);
    let request = &mutual.requests()[0];
    assert_eq!(request.parameter("client_id").as_deref(), Some("app"));
    assert!(request.parameter("client_secret").is_none() && request.header("authorization").is_none());
    assert!(server.requests_to("/token").is_empty(), "the alias alone");

    // The key may stand by itself, and be of another form.
    sandbox.clock.advance(100);
    sandbox.write("config/client.pem", &pem);
    sandbox.write("config/client.key", &key);
    let method = "token_endpoint_auth_method = \"self_signed_tls_client_auth\"\nprivate_key = { file = \"client.key\" }";
    sandbox.configure(&server_config(
        &server.domain(),
        &format!("grant_type = \"client_credentials\"\n{more}\n{method}"),
    ));
    sandbox.run(&["token"]).ok();
    assert_eq!(mutual.requests().len(), 2);

    sandbox.clock.advance(100);
    for (name, pem, said) in [
        ("no certificate", "", "it has no certificate in PEM"),
        ("another's key", &certificate("other").0, "the client certificate and its key cannot be used"),
    ] {
        sandbox.write("config/client.pem", pem);
        let output = sandbox.run(&["token"]).fails(4);
        assert!(output.stderr.contains(said), "{name}: {output}");
    }
    std::fs::remove_file(sandbox.path("config/client.pem")).unwrap();
    sandbox.run(&["token"]).fails(4).says("client.pem cannot be read");
}

#[test]
#[cfg(unix)]
fn a_key_file_readable_by_others_is_reported() {
    use crate::support::sandbox::set_mode;
    let (pem, public) = key();
    for (mode, status, said) in [
        (0o600, 0, ""),
        (0o644, 0, "can be read by others: chmod 600"),
        (0o666, 4, "can be changed by others"),
    ] {
        let server = AuthorizationServer::start();
        server.set(|behaviour| behaviour.client_assertions = Some(public.clone()));
        let sandbox = home(&server, "private_key = { file = \"key.pem\" }");
        let path = sandbox.write("config/key.pem", &pem);
        set_mode(&path, mode);
        let output = sandbox.run(&["token"]);
        assert_eq!(output.status, status, "{mode:o}: {output}");
        assert!(
            output.stderr.contains(said) && (mode != 0o600 || output.stderr.is_empty()),
            "{mode:o}: {output}"
        );
    }
}
