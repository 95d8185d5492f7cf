//! How the client proves itself: assertions (RFC 7523) and certificates (RFC 8705).

mod assertions;
mod certificates;

use authctl::oauth::signing_key::SigningKey;
use authctl::secret::SecretText;
use serde_json::Value;

use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

/// A new P-256 key in PKCS#8, and its public JWK.
pub fn key() -> (String, Value) {
    let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let public = SigningKey::parse(&SecretText::new(pem.as_str())).unwrap().public_jwk();
    (pem, public)
}

fn home(server: &AuthorizationServer, more: &str) -> Sandbox {
    Sandbox::new(&server_config(&server.domain(), &format!("grant_type = \"client_credentials\"\n{more}")))
}
