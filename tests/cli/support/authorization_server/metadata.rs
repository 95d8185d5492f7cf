//! The server's metadata.

use serde_json::json;

use super::super::http::Reply;
use super::overlay::overlay;
use super::state::Inner;

impl Inner {
    pub(super) fn metadata(&self, issuer: &str) -> Reply {
        let mut metadata = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/jwks"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "revocation_endpoint": format!("{issuer}/revoke"),
            "introspection_endpoint": format!("{issuer}/introspect"),
            "pushed_authorization_request_endpoint": format!("{issuer}/par"),
            "device_authorization_endpoint": format!("{issuer}/device"),
            "backchannel_authentication_endpoint": format!("{issuer}/bc-authorize"),
            "end_session_endpoint": format!("{issuer}/end-session"),
            "require_pushed_authorization_requests": self.behaviour.lock().unwrap().requires_par,
            "require_signed_request_object": self.behaviour.lock().unwrap().request_objects.is_some(),
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
        });
        if self.behaviour.lock().unwrap().registers.is_some() {
            metadata["registration_endpoint"] = format!("{issuer}/register").into();
        }
        overlay(&mut metadata, &self.behaviour.lock().unwrap().metadata);
        Reply::json(200, &metadata)
    }
}
