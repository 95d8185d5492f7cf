//! Signed authorization requests (RFC 9101).

use serde_json::{Map, Value, json};

use super::form::Form;
use super::pkce::random_text;
use super::signing_key::{KeyError, SigningKey};
use crate::ports::Moment;
use crate::secret::SecretText;

/// How long a request object is valid, in seconds: it is used at once.
const LIFE: i64 = 300;

/// The request object: every parameter as a claim, signed by the client and addressed to the server (RFC 9101 section
/// 4).
pub fn request_object(
    parameters: &Form,
    client_id: &str,
    issuer: &str,
    key: &SigningKey,
    moment: &Moment<'_>,
) -> Result<SecretText, KeyError> {
    let mut claims = Map::new();
    for (name, value) in parameters.iter() {
        // OpenID Connect Core section 6.1: in a request object it is a number.
        let value = match (name, value.parse::<u64>()) {
            ("max_age", Ok(seconds)) => seconds.into(),
            _ => Value::from(value),
        };
        match claims.get_mut(name) {
            None => drop(claims.insert(name.to_owned(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    let now = moment.now.as_second();
    for (name, value) in [
        ("iss", json!(client_id)),
        ("aud", json!(issuer)),
        ("iat", json!(now)),
        ("nbf", json!(now)),
        ("exp", json!(now + LIFE)),
        ("jti", json!(random_text(moment.random))),
    ] {
        claims.insert(name.to_owned(), value);
    }
    key.sign(&json!({ "typ": "oauth-authz-req+jwt" }), &Value::Object(claims))
}
