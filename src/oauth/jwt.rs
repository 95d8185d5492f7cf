//! JSON Web Tokens in their compact form (RFC 7519, RFC 7515 section 7.1): read, and their signatures checked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

use super::jose::{self, KeySet};
use super::json;

/// A token's header and claims. That they can be read says nothing about who wrote them.
#[derive(Debug, Clone)]
pub struct Jwt {
    /// The JOSE header.
    pub header: Map<String, Value>,
    pub claims: Map<String, Value>,
}

impl Jwt {
    /// Reads a token; `None` for what is no signed JWT.
    pub fn decode(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (Some(header), Some(claims), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let object = |part: &str| json::object(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        Some(Self { header: object(header)?, claims: object(claims)? })
    }

    /// The algorithm that the header names: to be compared with what is expected, never to be believed.
    pub fn algorithm(&self) -> &str {
        self.header.get("alg").and_then(Value::as_str).unwrap_or_default()
    }

    /// The key that the header names.
    pub fn key_id(&self) -> Option<&str> {
        self.header.get("kid").and_then(Value::as_str)
    }
}

/// Whether one of the keys made a token's signature. `jku`, `x5u` and `jwk` in its header are not looked at.
pub fn is_signed_by(token: &str, keys: &KeySet, algorithm: Algorithm, key_id: Option<&str>) -> bool {
    keys.candidates(algorithm, key_id).any(|key| is_signed_with(token, &key, algorithm))
}

/// Whether this key made a token's signature.
pub fn is_signed_with(token: &str, key: &DecodingKey, algorithm: Algorithm) -> bool {
    jose::install();
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
    jsonwebtoken::decode::<Value>(token, key, &validation).is_ok()
}
