//! The device authorization endpoint (RFC 8628), and CIBA's.

use serde_json::json;

use super::super::http::{Reply, Request};
use super::overlay::overlay;
use super::state::Inner;

impl Inner {
    /// The user consents at once; tests make the client wait with faults.
    pub(super) fn device(&self, request: &Request, issuer: &str) -> Reply {
        self.check_token_request(request);
        if let Some(refusal) = self.refuse_client(request) {
            return refusal;
        }
        let behaviour = self.behaviour.lock().unwrap();
        let mut state = self.state.lock().unwrap();
        state.counter += 1;
        let code = format!("device-canary-{}", state.counter);
        state.devices.insert(code.clone(), request.parameter("scope").unwrap_or_default());
        let mut answer = if request.path() == "/device" {
            json!({
                "device_code": code, "user_code": "WDJB-MJHT", "expires_in": 900, "interval": 5,
                "verification_uri": format!("{issuer}/enter"),
                "verification_uri_complete": format!("{issuer}/enter?user_code=WDJB-MJHT"),
            })
        } else {
            if request.parameter("login_hint").is_none() || request.parameter("binding_message").is_none() {
                state.violations.push("`login_hint` or `binding_message` is missing".to_owned());
            }
            json!({ "auth_req_id": code, "expires_in": 900, "interval": 5 })
        };
        overlay(&mut answer, &behaviour.device);
        Reply::json(200, &answer)
    }
}
