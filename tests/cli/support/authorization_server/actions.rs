//! GitHub's endpoint for a workflow's ID token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::super::http::{Reply, Request};
use super::state::Inner;

impl Inner {
    /// The endpoint that GitHub gives a workflow.
    pub(super) fn actions(&self, request: &Request) -> Reply {
        if request.header("authorization") != Some("Bearer request-canary")
            || request.parameter("api-version").as_deref() != Some("2.0")
        {
            self.violation("the workflow's request token or API version is missing".to_owned());
        }
        let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims =
            json!({ "sub": "repo:o/r", "aud": request.parameter("audience"), "exp": 4_000_000_000_u64 });
        Reply::json(
            200,
            &json!({ "value": format!("{}.{}.c2ln", encode(json!({ "alg": "RS256" })), encode(claims)) }),
        )
    }
}
