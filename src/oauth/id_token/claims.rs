//! A validated ID token's claims.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::oauth::jwt::Jwt;
use crate::secret::IdToken;

#[derive(Debug, Clone)]
pub struct Claims(pub(super) Map<String, Value>);

impl Claims {
    /// Claims that were validated before they were stored.
    pub fn known(claims: Map<String, Value>) -> Self {
        Self(claims)
    }

    /// The claims that the ID tokens of later refreshes must match (OpenID Connect Core section 12.2).
    pub fn lasting(&self) -> Map<String, Value> {
        let names = ["iss", "sub", "azp", "auth_time", "nonce"];
        names.iter().filter_map(|name| Some(((*name).to_owned(), self.0.get(*name)?.clone()))).collect()
    }

    /// The user's identifier at the issuer.
    pub fn subject(&self) -> &str {
        self.text("sub").unwrap_or_default()
    }

    /// A claim that is a string.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    pub fn expires_at(&self) -> Option<Timestamp> {
        seconds(&self.0, "exp").and_then(|seconds| Timestamp::from_second(seconds).ok())
    }

    pub fn all(&self) -> &Map<String, Value> {
        &self.0
    }
}

/// The claims of a token that was validated when it was stored.
pub fn stored_claims(token: &IdToken) -> Option<Claims> {
    Jwt::decode(token.expose()).map(|jwt| Claims(jwt.claims))
}

/// When a token that was validated when it was stored expires.
pub fn stored_expiry(token: &IdToken) -> Option<Timestamp> {
    stored_claims(token)?.expires_at()
}

/// A NumericDate (RFC 7519 section 2), to the second.
pub(super) fn seconds(claims: &Map<String, Value>, name: &str) -> Option<i64> {
    let number = claims.get(name)?;
    #[expect(clippy::cast_possible_truncation, reason = "checked to be far inside the range")]
    let whole = |number: f64| (number.abs() < 1e15).then_some(number as i64);
    number.as_i64().or_else(|| number.as_f64().and_then(whole))
}
