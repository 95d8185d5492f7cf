//! The client's certificate for mutual TLS (RFC 8705).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::ports::ClientIdentity;
use crate::secret::SecretText;
use crate::text::untrusted::Untrusted;

/// Why a client certificate cannot be used. The text never contains any part of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    #[error("it contains no PEM certificate")]
    NoCertificate,
    #[error("cannot find a PEM private key, neither in `private_key` nor next to the certificate")]
    NoKey,
    #[error(
        "its private key is encrypted with a password; `{{ command = [\"openssl\", \"pkey\", \"-in\", …] }}` can decrypt it when needed"
    )]
    Encrypted,
}

/// The certificate chain with its key, which is configured separately or follows the chain.
pub fn identity(
    certificate: &SecretText,
    key: Option<&SecretText>,
) -> Result<ClientIdentity, CertificateError> {
    let chain = certificate.expose();
    let leaf =
        CertificateDer::from_pem_slice(chain.as_bytes()).map_err(|_| CertificateError::NoCertificate)?;
    let is_key = |block: &&str| block.contains("PRIVATE KEY-----");
    let key = key.map_or(chain, SecretText::expose);
    let key = blocks(key).find(is_key).ok_or(CertificateError::NoKey)?;
    if PrivateKeyDer::from_pem_slice(key.as_bytes()).is_err() || key.contains("ENCRYPTED") {
        let encrypted = key.contains("ENCRYPTED");
        return Err(if encrypted { CertificateError::Encrypted } else { CertificateError::NoKey });
    }
    // Only the selected key: with another key next to the chain, which one is used would be chance.
    let mut pem = SecretText::new(format!("{key}\n"));
    for block in blocks(chain).filter(|block| block.starts_with("-----BEGIN CERTIFICATE-----")) {
        pem = SecretText::new(format!("{}{block}\n", pem.expose()));
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, &leaf);
    Ok(ClientIdentity { pem, thumbprint: URL_SAFE_NO_PAD.encode(digest) })
}

/// A certificate's contents. None of it is secret; all of it is untrusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub issuer: Untrusted,
    pub ends: Timestamp,
}

/// Parses a DER certificate; `None` if it is not one.
pub fn facts(der: &[u8]) -> Option<Facts> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    let ends = Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()?;
    Some(Facts { issuer: Untrusted::new(certificate.issuer().to_string()), ends })
}

/// The first certificate of a PEM text, in DER.
pub fn first(pem: &str) -> Option<Vec<u8>> {
    CertificateDer::from_pem_slice(pem.as_bytes()).ok().map(|der| der.to_vec())
}

/// The blocks of a PEM text, each from its first to its last line.
fn blocks(pem: &str) -> impl Iterator<Item = &str> {
    pem.match_indices("-----BEGIN ").filter_map(|(start, _)| {
        let text = &pem[start..];
        let end = text.find("-----END ")?;
        let last = text[end + 9..].find("-----")?;
        Some(&text[..end + 9 + last + 5])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matching_pem_key_is_chosen() {
        let chain = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let (one, other) = (include_str!("vectors/p256-pkcs8.pem"), include_str!("vectors/ed-pkcs8.pem"));
        let secret = |text: &str| SecretText::new(text);
        for (name, certificate, key, want) in [
            ("beside it", format!("{chain}{one}"), None, Ok(one)),
            ("before it", format!("{one}{chain}"), None, Ok(one)),
            ("by itself", chain.to_owned(), Some(one), Ok(one)),
            ("a stale one beside it", format!("{chain}{other}"), Some(one), Ok(one)),
            ("none", chain.to_owned(), None, Err(CertificateError::NoKey)),
            (
                "encrypted",
                chain.to_owned(),
                Some(include_str!("vectors/enc.pem")),
                Err(CertificateError::Encrypted),
            ),
            ("no certificate", one.to_owned(), None, Err(CertificateError::NoCertificate)),
        ] {
            let made = identity(&secret(&certificate), key.map(secret).as_ref());
            match (made, want) {
                (Ok(made), Ok(want)) => {
                    assert_eq!(made.pem.expose(), format!("{}\n{chain}", want.trim()).as_str(), "{name}");
                }
                (made, want) => assert_eq!(made.map(|_| ""), want, "{name}"),
            }
        }
    }
}
