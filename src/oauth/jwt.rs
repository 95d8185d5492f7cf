//! Decodes JSON Web Tokens in compact form and verifies their signatures (RFC 7519, RFC 7515 section 7.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

use super::jose::{self, KeySet};
use super::json;

/// A token's header and claims, which are not verified yet.
#[derive(Debug, Clone)]
pub struct Jwt {
    pub header: Map<String, Value>,
    pub claims: Map<String, Value>,
}

impl Jwt {
    /// Decodes a token; `None` if it is not a signed JWT.
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

    /// The header's algorithm, to compare with the expected one and never to trust.
    pub fn algorithm(&self) -> &str {
        self.header.get("alg").and_then(Value::as_str).unwrap_or_default()
    }

    pub fn key_id(&self) -> Option<&str> {
        self.header.get("kid").and_then(Value::as_str)
    }
}

/// Whether one of the keys made a token's signature. `jku`, `x5u` and `jwk` in its header are ignored.
pub fn is_signed_by(token: &str, keys: &KeySet, algorithm: Algorithm, key_id: Option<&str>) -> bool {
    keys.candidates(algorithm, key_id).any(|key| is_signed_with(token, &key, algorithm))
}

pub fn is_signed_with(token: &str, key: &DecodingKey, algorithm: Algorithm) -> bool {
    jose::install();
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
    jsonwebtoken::decode::<Value>(token, key, &validation).is_ok()
}
