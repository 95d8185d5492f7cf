//! Introspection (RFC 7662) and revocation (RFC 7009).

use serde_json::json;

use super::super::http::{Reply, Request};
use super::state::Inner;

impl Inner {
    pub(super) fn introspect(&self, request: &Request) -> Reply {
        if let Some(refusal) = self.refuse_client(request) {
            return refusal;
        }
        let state = self.state.lock().unwrap();
        let token = state.access_tokens.get(&request.parameter("token").unwrap_or_default());
        Reply::json(
            200,
            &match token.filter(|token| token.good) {
                Some(token) => {
                    json!({ "active": true, "sub": format!("id-of-{}", token.user), "more": "\u{1b}[31m" })
                }
                None => json!({ "active": false }),
            },
        )
    }

    pub(super) fn revoke(&self, request: &Request) -> Reply {
        if let Some(refusal) = self.refuse_client(request) {
            return refusal;
        }
        let token = request.parameter("token").unwrap_or_default();
        let mut state = self.state.lock().unwrap();
        if let Some(issued) = state.access_tokens.get_mut(&token) {
            issued.good = false;
        }
        for family in state.families.iter_mut().filter(|family| family.current == token) {
            family.revoked = true;
        }
        Reply::full(200, &[], "")
    }
}
