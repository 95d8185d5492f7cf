//! Mutual TLS.

use std::sync::{Arc, Mutex};

use serde_json::json;

use super::home;
use crate::support::AuthorizationServer;
use crate::support::http::{Reply, Server};
use crate::support::sandbox::server_config;

/// The client certificates that a server received.
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

/// The certificate is on the connection and the client ID in the body (RFC 8705 section 2); requests go to the mutual TLS
/// endpoints (section 5); a changed certificate is reported.
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

    // The key may be in its own file, and in another format.
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
        ("no certificate", "", "it contains no PEM certificate"),
        ("another's key", &certificate("other").0, "cannot use the client certificate and its key"),
    ] {
        sandbox.write("config/client.pem", pem);
        let output = sandbox.run(&["token"]).fails(4);
        assert!(output.stderr.contains(said), "{name}: {output}");
    }
    std::fs::remove_file(sandbox.path("config/client.pem")).unwrap();
    sandbox.run(&["token"]).fails(4).says("cannot read the certificate");
}
