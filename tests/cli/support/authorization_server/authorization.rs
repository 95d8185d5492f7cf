//! The authorization endpoint.

use serde_json::Value;

use super::super::http::{Reply, Request};
use super::jws::Jws;
use super::request::issuer_of;
use super::state::{Code, Inner};

impl Inner {
    /// A user who is logged in and consents at once.
    pub(super) fn authorize(&self, request: &Request) -> Reply {
        let parameters = match self.authorization_parameters(request) {
            Ok(parameters) => parameters,
            Err(problem) => {
                self.violation(problem);
                return Reply::full(400, &[], "");
            }
        };
        let parameter = |name: &str| {
            parameters.iter().find(|(present, _)| present == name).map(|(_, value)| value.clone())
        };
        for (name, want) in [
            ("response_type", Some("code")),
            ("client_id", Some(self.behaviour.lock().unwrap().client_id.clone().as_str())),
            ("code_challenge_method", Some("S256")),
        ] {
            if parameter(name).as_deref() != want {
                self.violation(format!("the authorization request has {name} {:?}", parameter(name)));
            }
        }
        for forbidden in ["client_secret", "code_verifier"] {
            if parameter(forbidden).is_some() {
                self.violation(format!("the authorization request has {forbidden}"));
            }
        }
        let redirect_uri = parameter("redirect_uri").unwrap_or_default();
        let mut location = url::Url::parse(&redirect_uri).unwrap();
        let behaviour = self.behaviour.lock().unwrap();
        let mut state = self.state.lock().unwrap();
        if let Some(error) = &behaviour.refuses_with {
            location
                .query_pairs_mut()
                .append_pair("error", error)
                .append_pair("error_description", "<script>no\u{1b}[31m</script>");
        } else {
            state.counter += 1;
            let code = format!("code-canary-{}", state.counter);
            location.query_pairs_mut().append_pair("code", &code);
            let scope = behaviour.granted.clone().or_else(|| parameter("scope")).unwrap_or_default();
            let user = behaviour.user.clone();
            let challenge = parameter("code_challenge").unwrap_or_default();
            state
                .codes
                .insert(code, Code { challenge, redirect_uri, nonce: parameter("nonce"), scope, user });
        }
        location.query_pairs_mut().append_pair("state", &parameter("state").unwrap_or_default());
        if let Some(issuer) = &behaviour.redirect_issuer {
            location.query_pairs_mut().append_pair("iss", issuer);
        }
        Reply::redirect(302, location.as_str())
    }

    /// The parameters of an authorization request: in the URL, pushed, or in a request object.
    fn authorization_parameters(&self, request: &Request) -> Result<Vec<(String, String)>, String> {
        let mut parameters = request.query();
        let value = |parameters: &[(String, String)], name: &str| {
            parameters.iter().find(|(present, _)| present == name).map(|(_, value)| value.clone())
        };
        let mut sorted: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
        sorted.sort_unstable();
        if let Some(uri) = value(&parameters, "request_uri") {
            // RFC 9126 section 4: only the client ID beside it, and used once.
            if sorted != ["client_id", "request_uri"] {
                return Err(format!("a pushed request has {sorted:?}"));
            }
            let pushed = self.state.lock().unwrap().pushed.remove(&uri);
            parameters = pushed.ok_or("the request_uri is unknown or was used")?;
        } else if self.behaviour.lock().unwrap().requires_par {
            return Err("the request was not pushed".to_owned());
        }
        let Some(key) = self.behaviour.lock().unwrap().request_objects.clone() else { return Ok(parameters) };
        let object = value(&parameters, "request").ok_or("the request is not signed")?;
        let object = Jws::parse(&object).ok_or("the request object is not a JWT")?;
        let issuer = issuer_of(request);
        if !object.is_by(&key) || object.header["typ"] != "oauth-authz-req+jwt" {
            return Err(
                "the request object is not signed with the client's key, or has another `typ`".to_owned()
            );
        }
        if object.claims["aud"] != issuer.as_str() || object.claims["iss"] != "app" {
            return Err(format!("the request object's audience is {}", object.claims["aud"]));
        }
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Ok(object
            .claims
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect())
    }
}
