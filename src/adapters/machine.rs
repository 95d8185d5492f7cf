//! Facts about the machine that only `doctor` needs.

use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use url::Url;

use crate::adapters::{hardening, http};
use crate::oauth::endpoint::authority;
use crate::os::threads;
use crate::ports::{HttpError, Machine, Transport};

pub struct ThisMachine;

impl Machine for ThisMachine {
    fn certificates(&self, url: &Url, transport: &Transport) -> Result<Vec<Vec<u8>>, HttpError> {
        let host = authority(url);
        let crypto = Arc::new(ring::default_provider());
        let recorder = Arc::new(Recorder { crypto: Arc::clone(&crypto), seen: Mutex::default() });
        let unusable = |reason: String| HttpError::NotSent { host: host.clone(), reason };
        let tls = ClientConfig::builder_with_provider(crypto)
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::<Recorder>::clone(&recorder))
            .with_no_client_auth();
        let client = http::started(transport, http::is_loopback(url))?
            .tls_backend_preconfigured(tls)
            .dns_resolver(Arc::new(http::AnyAddress));
        let client = http::blocking(client, transport.timeout);
        let failed = match client.map_err(|error| http::failure(&host, error))?.get(url.clone()).send() {
            Ok(_) => unusable("the server did not start a handshake".to_owned()),
            Err(error) => http::failure(&host, error),
        };
        let seen = recorder.seen.lock().map(|mut seen| std::mem::take(&mut *seen)).unwrap_or_default();
        if seen.is_empty() { Err(failed) } else { Ok(seen) }
    }

    fn addresses(&self, name: &str, limit: Duration) -> Option<Vec<IpAddr>> {
        let (sender, receiver) = mpsc::channel();
        let wanted = name.to_owned();
        // The system's resolver has no deadline of its own.
        match threads::start("resolver", move || sender.send(resolve(&wanted))) {
            Ok(_) => receiver.recv_timeout(limit).ok()?,
            Err(_) => resolve(name),
        }
    }

    fn leaves_core_files(&self) -> Option<bool> {
        hardening::leaves_core_files()
    }
}

fn resolve(name: &str) -> Option<Vec<IpAddr>> {
    Some((name, 0).to_socket_addrs().ok()?.map(|address| address.ip()).collect())
}

/// Records the certificates that a server presents, and accepts none: no handshake completes, so nothing can be sent to
/// the server.
#[derive(Debug)]
struct Recorder {
    crypto: Arc<CryptoProvider>,
    seen: Mutex<Vec<Vec<u8>>>,
}

/// The error that aborts every handshake.
fn only_looked_at() -> Error {
    Error::General("the certificate was only recorded".to_owned())
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Ok(mut seen) = self.seen.lock() {
            *seen = std::iter::once(end_entity).chain(intermediates).map(|der| der.to_vec()).collect();
        }
        Err(only_looked_at())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(only_looked_at())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(only_looked_at())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.crypto.signature_verification_algorithms.supported_schemes()
    }
}
