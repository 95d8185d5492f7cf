//! JSON Web Signatures with ring: the cryptography that `jsonwebtoken` calls, and a JWK set's keys.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::signature as sig;
use serde_json::Value;
use signature::Verifier;

use super::json;

/// Registers ring as the cryptography of `jsonwebtoken`. Call it before any use; further calls change nothing.
pub fn install() {
    static RING: CryptoProvider = CryptoProvider {
        signer_factory: signer,
        verifier_factory: verifier,
        key_utils: KeyUtils::new_unimplemented(),
    };
    let _ = RING.install_default();
}

/// `jsonwebtoken` only verifies: `signing_key` makes authctl's own signatures.
fn signer(_: &Algorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    Err(ErrorKind::UnsupportedAlgorithm.into())
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    if algorithm.family() != key.family() {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    Ok(Box::new(RingVerifier { algorithm: *algorithm, key: key.clone() }))
}

struct RingVerifier {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let verified = match self.key.kind() {
            DecodingKeyKind::RsaModulusExponent { n, e } => {
                rsa_parameters(self.algorithm).is_some_and(|rsa| {
                    sig::RsaPublicKeyComponents { n, e }.verify(rsa, message, signature).is_ok()
                })
            }
            DecodingKeyKind::SecretOrDer(bytes) => {
                match (hmac_algorithm(self.algorithm), point_algorithm(self.algorithm)) {
                    (Some(hmac), _) => {
                        ring::hmac::verify(&ring::hmac::Key::new(hmac, bytes), message, signature).is_ok()
                    }
                    (None, Some(point)) => {
                        sig::UnparsedPublicKey::new(point, bytes).verify(message, signature).is_ok()
                    }
                    (None, None) => false,
                }
            }
        };
        if verified { Ok(()) } else { Err(signature::Error::new()) }
    }
}

fn rsa_parameters(algorithm: Algorithm) -> Option<&'static sig::RsaParameters> {
    match algorithm {
        Algorithm::RS256 => Some(&sig::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Some(&sig::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Some(&sig::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Some(&sig::RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Some(&sig::RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Some(&sig::RSA_PSS_2048_8192_SHA512),
        _ => None,
    }
}

fn point_algorithm(algorithm: Algorithm) -> Option<&'static dyn sig::VerificationAlgorithm> {
    match algorithm {
        Algorithm::ES256 => Some(&sig::ECDSA_P256_SHA256_FIXED),
        Algorithm::ES384 => Some(&sig::ECDSA_P384_SHA384_FIXED),
        Algorithm::EdDSA => Some(&sig::ED25519),
        _ => None,
    }
}

fn hmac_algorithm(algorithm: Algorithm) -> Option<ring::hmac::Algorithm> {
    match algorithm {
        Algorithm::HS256 => Some(ring::hmac::HMAC_SHA256),
        Algorithm::HS384 => Some(ring::hmac::HMAC_SHA384),
        Algorithm::HS512 => Some(ring::hmac::HMAC_SHA512),
        _ => None,
    }
}

/// The digest that belongs to a signature algorithm, for `at_hash` (OpenID Connect Core section 3.1.3.6).
pub fn digest_of(algorithm: Algorithm) -> &'static ring::digest::Algorithm {
    match algorithm {
        Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384 | Algorithm::HS384 => &ring::digest::SHA384,
        Algorithm::RS512 | Algorithm::PS512 | Algorithm::HS512 | Algorithm::EdDSA => &ring::digest::SHA512,
        _ => &ring::digest::SHA256,
    }
}

/// A server's signing keys (RFC 7517 section 5). Unknown key types are skipped.
#[derive(Debug, Clone, Default)]
pub struct KeySet(Vec<Jwk>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its key set (jwks_uri) is not a JWK set")]
pub struct NotAKeySet;

impl KeySet {
    /// Parses a JWK set. Symmetric keys are skipped: a published secret is not a secret.
    pub fn parse(body: &[u8]) -> Result<Self, NotAKeySet> {
        let object = json::object(body).map_err(|_| NotAKeySet)?;
        let keys = object.get("keys").and_then(Value::as_array).ok_or(NotAKeySet)?;
        let usable = |key: &Value| {
            let key: Jwk = serde_json::from_value(key.clone()).ok()?;
            let signs = !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption));
            (signs && !matches!(key.algorithm, AlgorithmParameters::OctetKey(_))).then_some(key)
        };
        Ok(Self(keys.iter().filter_map(usable).collect()))
    }

    /// The keys that may have made a signature: those of the algorithm's family, with the `kid` if the header names
    /// one.
    pub fn candidates<'a>(
        &'a self,
        algorithm: Algorithm,
        kid: Option<&'a str>,
    ) -> impl Iterator<Item = DecodingKey> + 'a {
        self.0
            .iter()
            .filter(move |key| suits(key, algorithm))
            .filter(move |key| kid.is_none() || key.common.key_id.as_deref() == kid)
            .filter_map(|key| DecodingKey::from_jwk(key).ok())
    }
}

/// Whether a key's type fits an algorithm: the algorithm never decides how a key is used.
fn suits(key: &Jwk, algorithm: Algorithm) -> bool {
    match (&key.algorithm, algorithm) {
        (AlgorithmParameters::RSA(_), _) => rsa_parameters(algorithm).is_some(),
        (AlgorithmParameters::EllipticCurve(point), Algorithm::ES256) => point.curve == EllipticCurve::P256,
        (AlgorithmParameters::EllipticCurve(point), Algorithm::ES384) => point.curve == EllipticCurve::P384,
        (AlgorithmParameters::OctetKeyPair(_), _) => algorithm == Algorithm::EdDSA,
        _ => false,
    }
}
