//! The server's key set, and the ID tokens that it signs.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::super::http::Reply;
use super::jws;
use super::overlay::overlay;
use super::state::Inner;

pub(super) fn new_key() -> Arc<EcdsaKeyPair> {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    Arc::new(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap())
}

fn ec_jwk(key: &EcdsaKeyPair) -> Value {
    let point = &key.public_key().as_ref()[1..];
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": kid(key), "x": encode(&point[..32]), "y": encode(&point[32..]) })
}

fn kid(key: &EcdsaKeyPair) -> String {
    URL_SAFE_NO_PAD
        .encode(&ring::digest::digest(&ring::digest::SHA256, key.public_key().as_ref()).as_ref()[..6])
}

impl Inner {
    pub(super) fn keys(&self) -> Reply {
        let behaviour = self.behaviour.lock().unwrap();
        let mut keys = behaviour.more_keys.clone();
        let mut key = if behaviour.rsa { jws::rsa_jwk() } else { ec_jwk(&self.key.lock().unwrap()) };
        if behaviour.no_key_ids {
            key.as_object_mut().unwrap().remove("kid");
        }
        keys.push(key);
        Reply::json(200, &json!({ "keys": keys }))
    }

    pub(super) fn id_token(&self, issuer: &str, user: &str, nonce: Option<&str>) -> String {
        let now = jiff::Timestamp::now().as_second();
        let mut claims = json!({
            "iss": issuer, "aud": self.behaviour.lock().unwrap().client_id, "sub": format!("id-of-{user}"), "iat": now, "exp": now + 3600,
            "preferred_username": user, "nonce": nonce,
        });
        if nonce.is_none() {
            claims.as_object_mut().unwrap().remove("nonce");
        }
        overlay(&mut claims, &self.behaviour.lock().unwrap().claims);
        let key = self.key.lock().unwrap().clone();
        let (rsa, no_key_ids) = {
            let behaviour = self.behaviour.lock().unwrap();
            (behaviour.rsa, behaviour.no_key_ids)
        };
        let mut header = if rsa {
            json!({ "alg": "RS256", "kid": jws::RSA_KEY_ID })
        } else {
            json!({ "alg": "ES256", "kid": kid(&key) })
        };
        if no_key_ids {
            header.as_object_mut().unwrap().remove("kid");
        }
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(&header), encode(&claims));
        let signature = if rsa {
            jws::rsa_signature(message.as_bytes())
        } else {
            key.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec()
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
