//! DPoP proofs (RFC 9449).

use serde_json::json;

use super::super::http::{Reply, Request};
use super::jws::{Jws, sha256, thumbprint};
use super::request::issuer_of;
use super::state::Inner;

impl Inner {
    /// RFC 9449 sections 4.3, 8 and 9: returns the proven key's thumbprint, or the error reply.
    pub(super) fn prove(&self, request: &Request, token: Option<&str>) -> Result<Option<String>, Reply> {
        let (wanted, nonces) = {
            let behaviour = self.behaviour.lock().unwrap();
            (behaviour.dpop, behaviour.dpop_nonces.clone())
        };
        let Some(proof) = request.header("dpop") else {
            return if wanted && token.is_none() {
                Err(Reply::json(400, &json!({ "error": "invalid_dpop_proof" })))
            } else {
                Ok(None)
            };
        };
        let mut problems = Vec::new();
        let proof = Jws::parse(proof).expect("the proof is a JWT");
        let jwk = &proof.header["jwk"];
        if proof.header["typ"] != "dpop+jwt" || !proof.is_by(jwk) || jwk.get("d").is_some() {
            problems.push(format!("the proof's header is {}", proof.header));
        }
        let now = jiff::Timestamp::now().as_second();
        let url = format!("{}{}", issuer_of(request), request.path());
        let claims = &proof.claims;
        let fresh = claims["iat"].as_i64().is_some_and(|made| (made - now).abs() < 60);
        if claims["htm"] != request.method.as_str() || claims["htu"] != url.as_str() {
            problems.push(format!("the proof is for {} {}", claims["htm"], claims["htu"]));
        }
        if claims["ath"].as_str().map(str::to_owned) != token.map(sha256) {
            problems.push("the proof is not for this token".to_owned());
        }
        let id = claims["jti"].as_str().unwrap_or_default().to_owned();
        if id.len() < 16 || !self.state.lock().unwrap().used.insert(format!("proof {id}")) {
            problems.push("the proof was used before".to_owned());
        }
        let nonce = nonces.map(|(server, resource)| if token.is_some() { resource } else { server });
        self.state.lock().unwrap().violations.extend(problems);
        if let Some(nonce) = nonce.filter(|nonce| claims["nonce"] != nonce.as_str()) {
            let json = ("content-type", "application/json");
            let body = json!({ "error": "use_dpop_nonce" }).to_string();
            let challenge = ("www-authenticate", "dpop ERROR=\"use_dpop_nonce\"");
            let status = if token.is_some() { 401 } else { 400 };
            return Err(Reply::full(status, &[json, challenge, ("dpop-nonce", nonce.as_str())], body));
        }
        if !fresh {
            let date =
                jiff::fmt::rfc2822::to_string(&jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC))
                    .unwrap();
            let headers = [("content-type", "application/json"), ("date", date.as_str())];
            return Err(Reply::full(400, &headers, json!({ "error": "invalid_dpop_proof" }).to_string()));
        }
        Ok(Some(thumbprint(jwk)))
    }
}
