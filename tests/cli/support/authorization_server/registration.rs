//! Dynamic client registration (RFC 7591, RFC 7592).

use serde_json::Value;

use super::super::http::{Reply, Request};
use super::overlay::overlay;
use super::state::Inner;

impl Inner {
    /// Every caller is registered as the only client.
    pub(super) fn register(&self, request: &Request, issuer: &str) -> Reply {
        let behaviour = self.behaviour.lock().unwrap();
        let Some(members) = &behaviour.registers else { return Reply::full(404, &[], "") };
        let mut answer: Value = serde_json::from_str(&request.body).unwrap();
        answer["client_id"] = behaviour.client_id.as_str().into();
        answer["registration_client_uri"] = format!("{issuer}/register/1").into();
        answer["registration_access_token"] = "registration-canary".into();
        if let Some(secret) = &behaviour.client_secret {
            answer["client_secret"] = secret.as_str().into();
            answer["client_secret_expires_at"] = 0.into();
            answer["token_endpoint_auth_method"] = "client_secret_basic".into();
        }
        overlay(&mut answer, members);
        Reply::json(201, &answer)
    }

    pub(super) fn end_registration(&self, request: &Request) -> Reply {
        if request.header("authorization") != Some("Bearer registration-canary") {
            self.violation("a registration was deleted without its access token".to_owned());
        }
        Reply::full(204, &[], "")
    }
}
