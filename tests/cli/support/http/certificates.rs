//! A certificate authority and the certificates that it signs.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;

use super::wire::read_request;

/// A certificate authority, and a server's certificate by it for 127.0.0.1.
pub fn certificates() -> (String, Arc<rustls::ServerConfig>) {
    let authority = Authority::new();
    let tls = authority.server(&["127.0.0.1", "localhost"]);
    (authority.pem, tls)
}

/// A certificate authority.
pub(super) struct Authority {
    pub(super) pem: String,
    pub(super) issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "authctl tests");
        let pem = parameters.self_signed(&key).unwrap().pem();
        Self { pem, issuer: rcgen::Issuer::new(parameters, key) }
    }

    /// A server of these names.
    pub(super) fn server(&self, names: &[&str]) -> Arc<rustls::ServerConfig> {
        let key = rcgen::KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let certificate =
            rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        Arc::new(config)
    }

    /// Takes a proxy's CONNECT: the server of the host that it names.
    pub(super) fn connected(&self, stream: &mut TcpStream) -> Option<Arc<rustls::ServerConfig>> {
        let request = read_request(stream).filter(|request| request.method == "CONNECT")?;
        let (host, _) = request.target.rsplit_once(':')?;
        stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").ok()?;
        Some(self.server(&[host]))
    }
}
