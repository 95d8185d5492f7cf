//! The token endpoint.

use serde_json::{Value, json};

use super::super::http::{Reply, Request};
use super::grants::{self, Granted};
use super::overlay::overlay;
use super::state::{Inner, Issued};

impl Inner {
    pub(super) fn token(&self, request: &Request, issuer: &str) -> Reply {
        self.check_token_request(request);
        if let Some(refusal) = self.refuse_client(request) {
            return refusal;
        }
        let key = match self.prove(request, None) {
            Ok(key) => key,
            Err(refusal) => return refusal,
        };
        let refreshing = request.parameter("grant_type").as_deref() == Some("refresh_token");
        if refreshing {
            let pause = self.behaviour.lock().unwrap().pause;
            std::thread::sleep(pause);
        }
        let (granted, access_token) = {
            let behaviour = self.behaviour.lock().unwrap();
            let mut state = self.state.lock().unwrap();
            state.counter += 1;
            let granted = match grants::grant(&behaviour, &mut state, request, issuer, &key) {
                Ok(granted) => granted,
                Err(code) => {
                    return Reply::json(400, &json!({ "error": code, "error_description": "because" }));
                }
            };
            let access_token = format!("access-canary-{}", state.counter);
            let issued = Issued { user: granted.user.clone(), good: true, key: key.clone() };
            state.access_tokens.insert(access_token.clone(), issued);
            (granted, access_token)
        };
        let mut answer = json!({ "access_token": access_token });
        answer["token_type"] = if key.is_some() { "DPoP" } else { "Bearer" }.into();
        self.describe(&mut answer, &granted, refreshing, issuer);
        Reply::json(200, &answer)
    }

    /// Adds the refresh token, the ID token and what the server says about the tokens.
    fn describe(&self, answer: &mut Value, granted: &Granted, refreshing: bool, issuer: &str) {
        let (expires_in, id_token_on_refresh) = {
            let behaviour = self.behaviour.lock().unwrap();
            (behaviour.expires_in, behaviour.id_token_on_refresh)
        };
        if let Some(seconds) = expires_in {
            answer["expires_in"] = seconds.into();
        }
        if let Some(refresh_token) = &granted.refresh_token {
            answer["refresh_token"] = refresh_token.as_str().into();
        }
        if let Some(kind) = &granted.issued_token_type {
            answer["issued_token_type"] = kind.as_str().into();
        }
        if !granted.scope.is_empty() {
            answer["scope"] = granted.scope.as_str().into();
        }
        if granted.scope.split(' ').any(|scope| scope == "openid") && (!refreshing || id_token_on_refresh) {
            answer["id_token"] = self.id_token(issuer, &granted.user, granted.nonce.as_deref()).into();
        }
        overlay(answer, &self.behaviour.lock().unwrap().token_members);
    }
}
