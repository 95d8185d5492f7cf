//! The resources that access tokens are for: userinfo and an API.

use serde_json::json;

use super::super::http::{Reply, Request};
use super::overlay::overlay;
use super::state::Inner;

impl Inner {
    /// Returns the token's user, or the error reply.
    fn user(&self, request: &Request) -> Result<String, Reply> {
        if request.target.contains("access_token") {
            self.violation("a token is in a URL".to_owned());
        }
        let refused = || Reply::full(401, &[], "");
        let (scheme, token) =
            request.header("authorization").and_then(|header| header.split_once(' ')).ok_or_else(refused)?;
        let proved = self.prove(request, Some(token))?;
        let state = self.state.lock().unwrap();
        let issued = state.access_tokens.get(token).filter(|issued| issued.good).ok_or_else(refused)?;
        // A bound token needs a proof (RFC 9449 section 7).
        let fits = match (scheme, &issued.key) {
            ("Bearer", None) => true,
            ("DPoP", Some(key)) => proved.as_ref() == Some(key),
            _ => false,
        };
        if fits { Ok(issued.user.clone()) } else { Err(refused()) }
    }

    pub(super) fn userinfo(&self, request: &Request) -> Reply {
        let user = match self.user(request) {
            Ok(user) => user,
            Err(refusal) => return refusal,
        };
        let mut claims = json!({ "sub": format!("id-of-{user}"), "preferred_username": user });
        overlay(&mut claims, &self.behaviour.lock().unwrap().userinfo);
        Reply::json(200, &claims)
    }

    pub(super) fn api(&self, request: &Request) -> Reply {
        match self.user(request) {
            Ok(user) => Reply::json(200, &json!({ "hello": user })),
            Err(refusal) => refusal,
        }
    }
}
