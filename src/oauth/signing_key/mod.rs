//! Private keys in PEM or JWK form, and the JSON Web Signatures made with them (RFC 7515, 7517, 7518).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::pkcs8::DecodePrivateKey as _;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::json;
use crate::secret::{ClientSecret, DpopKey, SecretText};

/// Why a private key cannot be used. The error contains no part of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("it is neither a private key in PEM (PKCS#8, PKCS#1, SEC1) nor a private JWK")]
    NotAKey,
    #[error(
        "it is encrypted with a password; `{{ command = [\"openssl\", \"pkey\", \"-in\", …] }}` can decrypt it when needed"
    )]
    Encrypted,
    #[error("it is damaged, or is not an RSA key of 2048 to 4096 bits or a P-256, P-384 or Ed25519 key")]
    Unsupported,
    #[error("it cannot make {0:?} signatures")]
    OtherAlgorithm(Algorithm),
    #[error("signing failed")]
    NotSigned,
}

/// A signing key with its algorithm, which comes from the configuration or the key's type, never from what a server
/// says (RFC 8725 section 3.1).
pub struct SigningKey {
    pair: Pair,
    algorithm: Algorithm,
    key_id: Option<String>,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(EcdsaKeyPair, &'static str),
    Ed(Ed25519KeyPair),
    Secret(ring::hmac::Key),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SigningKey({:?})", self.algorithm)
    }
}

impl SigningKey {
    /// Parses a private key: PEM, possibly with certificates around it, a JWK, or a set of one JWK.
    pub fn parse(text: &SecretText) -> Result<Self, KeyError> {
        let text = text.expose().trim();
        if text.starts_with('{') {
            return Self::of_jwk(&json::object(text.as_bytes()).map_err(|_| KeyError::NotAKey)?);
        }
        if text.contains("ENCRYPTED") {
            return Err(KeyError::Encrypted);
        }
        let pair = match PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| KeyError::NotAKey)? {
            PrivateKeyDer::Pkcs8(der) => of_pkcs8(der.secret_pkcs8_der())?,
            PrivateKeyDer::Pkcs1(der) => rsa(RsaKeyPair::from_der(der.secret_pkcs1_der()))?,
            PrivateKeyDer::Sec1(der) => of_sec1(der.secret_sec1_der())?,
            _ => return Err(KeyError::Unsupported),
        };
        Ok(Self::of_pair(pair, None))
    }

    /// The client secret as a key for HS256 (OpenID Connect Core section 9, `client_secret_jwt`).
    pub fn of_secret(secret: &ClientSecret) -> Self {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.expose().as_bytes());
        Self::of_pair(Pair::Secret(key), None)
    }

    /// Generates a P-256 key, and returns the form to store it in too.
    pub fn generate() -> Result<(Self, DpopKey), KeyError> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_| KeyError::NotSigned)?;
        let key = Self::of_pair(of_pkcs8(document.as_ref())?, None);
        Ok((key, DpopKey::new(URL_SAFE_NO_PAD.encode(document.as_ref()))))
    }

    pub fn kept(kept: &DpopKey) -> Result<Self, KeyError> {
        let document = URL_SAFE_NO_PAD.decode(kept.expose()).map_err(|_| KeyError::NotAKey)?;
        Ok(Self::of_pair(of_pkcs8(&Zeroizing::new(document))?, None))
    }

    fn of_pair(pair: Pair, key_id: Option<String>) -> Self {
        let algorithm = match &pair {
            Pair::Rsa(_) => Algorithm::RS256,
            Pair::Ec(_, "P-384") => Algorithm::ES384,
            Pair::Ec(..) => Algorithm::ES256,
            Pair::Ed(_) => Algorithm::EdDSA,
            Pair::Secret(_) => Algorithm::HS256,
        };
        Self { pair, algorithm, key_id }
    }

    fn of_jwk(object: &Map<String, Value>) -> Result<Self, KeyError> {
        if let Some(Value::Array(keys)) = object.get("keys") {
            return match keys.as_slice() {
                [Value::Object(only)] => Self::of_jwk(only),
                _ => Err(KeyError::NotAKey),
            };
        }
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        let bytes = |name: &str| {
            let decoded = URL_SAFE_NO_PAD.decode(text(name).ok_or(KeyError::NotAKey)?);
            decoded.map(Zeroizing::new).map_err(|_| KeyError::NotAKey)
        };
        let pair = match (text("kty"), text("crv")) {
            (Some("RSA"), _) => rsa(RsaKeyPair::from_components(&KeyPairComponents {
                public_key: PublicKeyComponents { n: bytes("n")?, e: bytes("e")? },
                d: bytes("d")?,
                p: bytes("p")?,
                q: bytes("q")?,
                dP: bytes("dp")?,
                dQ: bytes("dq")?,
                qInv: bytes("qi")?,
            }))?,
            (Some("EC"), Some(curve @ ("P-256" | "P-384"))) => {
                let curve = if curve == "P-256" { "P-256" } else { "P-384" };
                let (x, y) = (bytes("x")?, bytes("y")?);
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                ec(curve, &bytes("d")?, &point)?
            }
            (Some("OKP"), Some("Ed25519")) => {
                let pair = Ed25519KeyPair::from_seed_and_public_key(&bytes("d")?, &bytes("x")?);
                Pair::Ed(pair.map_err(|_| KeyError::Unsupported)?)
            }
            (Some("EC" | "OKP"), _) => return Err(KeyError::Unsupported),
            _ => return Err(KeyError::NotAKey),
        };
        let key = Self::of_pair(pair, text("kid").map(str::to_owned));
        match text("alg").and_then(|name| name.parse().ok()) {
            Some(algorithm) => key.using(Some(algorithm), None),
            None => Ok(key),
        }
    }

    /// The key with the configured algorithm and key identifier.
    pub fn using(mut self, algorithm: Option<Algorithm>, key_id: Option<&str>) -> Result<Self, KeyError> {
        if let Some(algorithm) = algorithm {
            let fits = match &self.pair {
                Pair::Rsa(_) => rsa_encoding(algorithm).is_some(),
                _ => algorithm == self.algorithm,
            };
            if !fits {
                return Err(KeyError::OtherAlgorithm(algorithm));
            }
            self.algorithm = algorithm;
        }
        if let Some(key_id) = key_id {
            self.key_id = Some(key_id.to_owned());
        }
        Ok(self)
    }

    /// The public key as a JWK (RFC 7517), its members in the order that a thumbprint requires; `null` for a shared
    /// secret.
    pub fn public_jwk(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.pair {
            Pair::Rsa(pair) => {
                let public: PublicKeyComponents<Vec<u8>> = PublicKeyComponents::from(pair.public());
                json!({ "e": encode(&public.e), "kty": "RSA", "n": encode(&public.n) })
            }
            Pair::Ec(pair, curve) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({ "crv": curve, "kty": "EC", "x": encode(x), "y": encode(y) })
            }
            Pair::Ed(pair) => {
                json!({ "crv": "Ed25519", "kty": "OKP", "x": encode(pair.public_key().as_ref()) })
            }
            Pair::Secret(_) => Value::Null,
        }
    }

    /// The public key's thumbprint (RFC 7638): base64url of the SHA-256 of its required members in order.
    pub fn thumbprint(&self) -> String {
        let canonical = self.public_jwk().to_string();
        URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, canonical.as_bytes()))
    }

    /// Signs claims: a JWT in compact form (RFC 7515 section 7.1). `header` is added to `alg` and, if there is one,
    /// `kid`.
    pub fn sign(&self, header: &Value, claims: &Value) -> Result<SecretText, KeyError> {
        let mut whole = json!({ "alg": format!("{:?}", self.algorithm) });
        if let (Some(object), Some(more)) = (whole.as_object_mut(), header.as_object()) {
            object.extend(self.key_id.iter().map(|id| ("kid".to_owned(), id.as_str().into())));
            object.extend(more.clone());
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&whole), part(claims));
        let signature = self.signature(message.as_bytes())?;
        Ok(SecretText::new(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        Ok(match &self.pair {
            Pair::Rsa(pair) => {
                let encoding = rsa_encoding(self.algorithm).ok_or(KeyError::NotSigned)?;
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).map_err(|_| KeyError::NotSigned)?;
                signature
            }
            Pair::Ec(pair, _) => {
                pair.sign(&random, message).map_err(|_| KeyError::NotSigned)?.as_ref().to_vec()
            }
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Secret(key) => ring::hmac::sign(key, message).as_ref().to_vec(),
        })
    }
}

fn rsa_encoding(algorithm: Algorithm) -> Option<&'static dyn RsaEncoding> {
    match algorithm {
        Algorithm::RS256 => Some(&RSA_PKCS1_SHA256),
        Algorithm::RS384 => Some(&RSA_PKCS1_SHA384),
        Algorithm::RS512 => Some(&RSA_PKCS1_SHA512),
        Algorithm::PS256 => Some(&RSA_PSS_SHA256),
        Algorithm::PS384 => Some(&RSA_PSS_SHA384),
        Algorithm::PS512 => Some(&RSA_PSS_SHA512),
        _ => None,
    }
}

fn rsa(pair: Result<RsaKeyPair, ring::error::KeyRejected>) -> Result<Pair, KeyError> {
    pair.map(|pair| Pair::Rsa(Box::new(pair))).map_err(|_| KeyError::Unsupported)
}

/// The types of PKCS#8 keys (RFC 5208, RFC 5958), tried in turn: each parser rejects the others' object identifiers.
fn of_pkcs8(der: &[u8]) -> Result<Pair, KeyError> {
    if let Ok(pair) = RsaKeyPair::from_pkcs8(der) {
        return rsa(Ok(pair));
    }
    // OpenSSL writes Ed25519 keys without their public half (version 1).
    if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
        return Ok(Pair::Ed(pair));
    }
    if let Ok(key) = p256::SecretKey::from_pkcs8_der(der) {
        return of_p256(&key);
    }
    of_p384(&p384::SecretKey::from_pkcs8_der(der).map_err(|_| KeyError::Unsupported)?)
}

fn of_sec1(der: &[u8]) -> Result<Pair, KeyError> {
    if let Ok(key) = p256::SecretKey::from_sec1_der(der) {
        return of_p256(&key);
    }
    of_p384(&p384::SecretKey::from_sec1_der(der).map_err(|_| KeyError::Unsupported)?)
}

fn of_p256(key: &p256::SecretKey) -> Result<Pair, KeyError> {
    let secret = Zeroizing::new(key.to_bytes().to_vec());
    ec("P-256", &secret, key.public_key().to_sec1_point(false).as_bytes())
}

fn of_p384(key: &p384::SecretKey) -> Result<Pair, KeyError> {
    let secret = Zeroizing::new(key.to_bytes().to_vec());
    ec("P-384", &secret, key.public_key().to_sec1_point(false).as_bytes())
}

fn ec(curve: &'static str, secret: &[u8], point: &[u8]) -> Result<Pair, KeyError> {
    let algorithm: &'static EcdsaSigningAlgorithm = match curve {
        "P-384" => &ECDSA_P384_SHA384_FIXED_SIGNING,
        _ => &ECDSA_P256_SHA256_FIXED_SIGNING,
    };
    EcdsaKeyPair::from_private_key_and_public_key(algorithm, secret, point, &SystemRandom::new())
        .map(|pair| Pair::Ec(pair, curve))
        .map_err(|_| KeyError::Unsupported)
}

#[cfg(test)]
mod tests;
