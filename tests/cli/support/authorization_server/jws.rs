//! Signatures as the server sees them: checked with ring alone, so that nothing of the program checks itself.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::Value;

/// What a JWS says, and whether its signature is right.
pub struct Jws {
    pub header: Value,
    pub claims: Value,
    message: String,
    signature: Vec<u8>,
}

impl Jws {
    pub fn parse(text: &str) -> Option<Self> {
        let (message, signature) = text.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let decode = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        Some(Self {
            header: decode(header)?,
            claims: decode(claims)?,
            message: message.to_owned(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// ES256 by this public JWK.
    pub fn is_by(&self, jwk: &Value) -> bool {
        let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap_or_default()).unwrap();
        let point = [vec![4], coordinate("x"), coordinate("y")].concat();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        self.header["alg"] == "ES256" && key.verify(self.message.as_bytes(), &self.signature).is_ok()
    }

    /// HS256 by this secret.
    pub fn is_by_secret(&self, secret: &str) -> bool {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
        self.header["alg"] == "HS256"
            && ring::hmac::verify(&key, self.message.as_bytes(), &self.signature).is_ok()
    }
}

/// RFC 7638.
pub fn thumbprint(jwk: &Value) -> String {
    let canonical =
        format!(r#"{{"crv":{},"kty":{},"x":{},"y":{}}}"#, jwk["crv"], jwk["kty"], jwk["x"], jwk["y"]);
    sha256(&canonical)
}

pub fn sha256(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()))
}

/// The name of the server's RSA key.
pub const RSA_KEY_ID: &str = "rsa";

fn rsa() -> ring::rsa::KeyPair {
    use rustls::pki_types::pem::PemObject as _;
    let pem = include_bytes!("../../../../src/oauth/vectors/rsa-pkcs8.pem");
    let der = rustls::pki_types::PrivatePkcs8KeyDer::from_pem_slice(pem).unwrap();
    ring::rsa::KeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap()
}

pub fn rsa_jwk() -> Value {
    let public: ring::rsa::PublicKeyComponents<Vec<u8>> = rsa().public().into();
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    serde_json::json!({ "kty": "RSA", "kid": RSA_KEY_ID, "use": "sig", "n": encode(&public.n), "e": encode(&public.e) })
}

pub fn rsa_signature(message: &[u8]) -> Vec<u8> {
    let pair = rsa();
    let mut signature = vec![0; pair.public().modulus_len()];
    let random = ring::rand::SystemRandom::new();
    pair.sign(&ring::signature::RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
    signature
}
