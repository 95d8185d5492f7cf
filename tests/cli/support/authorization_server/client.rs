//! Client authentication, and the form of token requests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::http::{Reply, Request};
use super::jws::Jws;
use super::request::issuer_of;
use super::state::Inner;

impl Inner {
    /// RFC 6749 sections 3.2 and 2.3.
    pub(super) fn check_token_request(&self, request: &Request) {
        let mut problems = Vec::new();
        if request.target.contains('?') {
            problems.push("the token request has a query".to_owned());
        }
        if request.header("content-type") != Some("application/x-www-form-urlencoded") {
            problems.push(format!("the token request is {:?}", request.header("content-type")));
        }
        let form = request.form();
        for (index, (name, value)) in form.iter().enumerate() {
            if value.is_empty() {
                problems.push(format!("{name} is empty"));
            }
            if !matches!(name.as_str(), "resource" | "audience")
                && form[..index].iter().any(|(other, _)| other == name)
            {
                problems.push(format!("{name} is repeated"));
            }
        }
        if request.header("authorization").is_some() && request.parameter("client_secret").is_some() {
            problems.push("the client authenticates twice".to_owned());
        }
        self.state.lock().unwrap().violations.extend(problems);
    }

    /// RFC 7523 section 3 as its revision changes it.
    fn refuse_assertion(&self, request: &Request, key: &Value) -> Option<Reply> {
        let issuer = issuer_of(request);
        let (audience, secret) = {
            let behaviour = self.behaviour.lock().unwrap();
            (behaviour.assertion_audience.clone(), behaviour.client_secret.clone())
        };
        let explicit = audience.is_none();
        let assertion = request.parameter("client_assertion").and_then(|assertion| Jws::parse(&assertion));
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let Some(assertion) =
            assertion.filter(|_| request.parameter("client_assertion_type").as_deref() == Some(kind))
        else {
            return Some(Reply::json(401, &json!({ "error": "invalid_client" })));
        };
        let signed = match secret {
            Some(secret) if key.is_null() => assertion.is_by_secret(&secret),
            _ => assertion.is_by(key),
        };
        let claims = &assertion.claims;
        let now = jiff::Timestamp::now().as_second();
        let lasts = claims["exp"].as_i64().is_some_and(|end| end > now && end <= now + 300);
        let id = claims["jti"].as_str().unwrap_or_default().to_owned();
        let mut problems = Vec::new();
        if claims["iss"] != "app" || claims["sub"] != "app" || !lasts || claims["iat"].is_null() {
            problems.push(format!("the client assertion has the claims {claims}"));
        }
        if claims["aud"] != audience.unwrap_or(issuer).as_str() {
            problems.push(format!("the client assertion's audience is {}", claims["aud"]));
        }
        if explicit && assertion.header["typ"] != "client-authentication+jwt" {
            problems.push(format!("the client assertion has the header {}", assertion.header));
        }
        let mut state = self.state.lock().unwrap();
        if id.len() < 16 || !state.used.insert(format!("assertion {id}")) {
            problems.push("the client assertion was used before".to_owned());
        }
        if request.parameter("client_secret").is_some() || request.header("authorization").is_some() {
            problems.push("the client authenticates twice".to_owned());
        }
        state.violations.extend(problems);
        (!signed).then(|| Reply::json(401, &json!({ "error": "invalid_client" })))
    }

    pub(super) fn refuse_client(&self, request: &Request) -> Option<Reply> {
        let assertions = self.behaviour.lock().unwrap().client_assertions.clone();
        if let Some(key) = assertions {
            return self.refuse_assertion(request, &key);
        }
        let expected = self.behaviour.lock().unwrap().client_secret.clone();
        let (id, secret) =
            match request.header("authorization").and_then(|header| header.strip_prefix("Basic ")) {
                Some(encoded) => {
                    let pair = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
                    let (id, secret) = pair.split_once(':').unwrap();
                    let decode = |text: &str| {
                        let spaced = text.replace('+', " ");
                        percent_encoding::percent_decode_str(&spaced).decode_utf8().unwrap().into_owned()
                    };
                    (Some(decode(id)), Some(decode(secret)))
                }
                None => (request.parameter("client_id"), request.parameter("client_secret")),
            };
        let known = id == Some(self.behaviour.lock().unwrap().client_id.clone()) && secret == expected;
        (!known).then(|| Reply::json(401, &json!({ "error": "invalid_client" })))
    }
}
