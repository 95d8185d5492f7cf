//! The modules of the OpenID conformance suite for relying parties, by name: valid responses are accepted and invalid ones
//! rejected. A server cannot see a rejection, so each test asserts the error.
//!
//! Not here: `userinfo-bearer-body` (authctl sends the token only in the header), and the dynamic registration plan.

mod fapi;
mod logout;
mod openid;

use serde_json::{Value, json};

use crate::support::AuthorizationServer;
use crate::support::authorization_server::Behaviour;

type SetUp = fn(&AuthorizationServer);

fn change(server: &AuthorizationServer, change: impl FnOnce(&mut Behaviour)) {
    server.set(change);
}

fn claims(server: &AuthorizationServer, claims: Value) {
    server.set(|behaviour| behaviour.claims = claims.as_object().unwrap().clone());
}

fn metadata(server: &AuthorizationServer, members: Value) {
    server.set(|behaviour| behaviour.metadata.extend(members.as_object().unwrap().clone()));
}

fn id_token(server: &AuthorizationServer, forged: String) {
    server.set(|behaviour| drop(behaviour.token_members.insert("id_token".to_owned(), forged.into())));
}

fn forged(header: Value) -> String {
    use base64::Engine as _;
    let part = |value: Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(header), part(json!({ "sub": "mallory" })))
}
