//! OpenID Connect's logout.

use serde_json::Value;

use super::super::http::{Reply, Request};
use super::jws::Jws;
use super::state::Inner;

impl Inner {
    pub(super) fn end_session(&self, request: &Request, issuer: &str) -> Reply {
        let hint = request.parameter("id_token_hint").and_then(|hint| Jws::parse(&hint));
        if hint.is_none_or(|hint| hint.claims["iss"] != issuer) {
            self.violation("the logout request has no ID token from this issuer".to_owned());
        }
        let Some(uri) = request.parameter("post_logout_redirect_uri") else {
            return Reply::full(200, &[], "you are logged out");
        };
        let mut location = url::Url::parse(&uri).unwrap();
        match self.behaviour.lock().unwrap().logout_state.clone() {
            None => {
                location
                    .query_pairs_mut()
                    .append_pair("state", &request.parameter("state").unwrap_or_default());
            }
            Some(Value::String(other)) => drop(location.query_pairs_mut().append_pair("state", &other)),
            Some(_) => {}
        }
        Reply::redirect(302, location.as_str())
    }
}
