//! The client's certificate for mutual TLS (RFC 8705).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::ports::ClientIdentity;
use crate::secret::SecretText;

/// Why a certificate cannot be shown. No part of its key is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// There is none.
    #[error("it has no certificate in PEM")]
    NoCertificate,
    /// There is no key.
    #[error("there is no private key in PEM, neither as `private_key` nor beside the certificate")]
    NoKey,
    /// The key is locked with a password.
    #[error(
        "its private key is encrypted with a password; `{{ command = [\"openssl\", \"pkey\", \"-in\", …] }}` can decrypt it when it is needed"
    )]
    Encrypted,
}

/// The certificate chain with its key, which is given or stands beside it.
///
/// # Errors
/// [`CertificateError`].
pub fn identity(
    certificate: &SecretText,
    key: Option<&SecretText>,
) -> Result<ClientIdentity, CertificateError> {
    let chain = certificate.expose();
    let leaf =
        CertificateDer::from_pem_slice(chain.as_bytes()).map_err(|_| CertificateError::NoCertificate)?;
    let key = key.map_or("", SecretText::expose);
    // The first key of the two texts is the one that is used.
    let pem = SecretText::new(format!("{key}\n{chain}\n"));
    if PrivateKeyDer::from_pem_slice(pem.expose().as_bytes()).is_err() {
        let encrypted = pem.expose().contains("ENCRYPTED");
        return Err(if encrypted { CertificateError::Encrypted } else { CertificateError::NoKey });
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, &leaf);
    Ok(ClientIdentity { pem, thumbprint: URL_SAFE_NO_PAD.encode(digest) })
}
