//! Pushed authorization requests (RFC 9126).

use serde_json::json;

use super::super::http::{Reply, Request};
use super::state::Inner;

impl Inner {
    pub(super) fn par(&self, request: &Request) -> Reply {
        self.check_token_request(request);
        if let Some(refusal) = self.refuse_client(request) {
            return refusal;
        }
        if let Err(refusal) = self.prove(request, None) {
            return refusal;
        }
        if request.parameter("request_uri").is_some() {
            self.violation("a request_uri was pushed".to_owned());
        }
        let mut state = self.state.lock().unwrap();
        state.counter += 1;
        let uri = format!("urn:ietf:params:oauth:request_uri:{}", state.counter);
        state.pushed.insert(uri.clone(), request.form());
        Reply::json(201, &json!({ "request_uri": uri, "expires_in": 60 }))
    }
}
