//! DPoP proofs, which show that the client that uses a token is the one it was issued to (RFC 9449).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use url::Url;

use super::challenge;
use super::json;
use super::pkce::random_text;
use super::signing_key::{KeyError, SigningKey};
use crate::ports::{Clock, HttpResponse, Moment, Random};
use crate::secret::{AccessToken, DpopKey, SecretText};
use crate::token::{NoHeaders, Prove, RequestTarget};

/// No honest nonce is longer.
const LONGEST_NONCE: usize = 1024;
/// The most nonces that are stored, one per server.
const MOST_NONCES: usize = 32;

/// The key that tokens are bound to, and the nonces that authorization servers sent, by origin. A resource server's
/// nonce is not stored here (RFC 9449 sections 8 and 9): it goes only into the proof that it was requested for.
pub struct Prover {
    key: SigningKey,
    kept: DpopKey,
    nonces: RefCell<BTreeMap<String, String>>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl fmt::Debug for Prover {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Prover({})", self.key.thumbprint())
    }
}

impl Prover {
    pub fn generate(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Self, KeyError> {
        let (key, kept) = SigningKey::generate()?;
        Ok(Self { key, kept, nonces: RefCell::default(), clock, random })
    }

    /// A prover with the key and the nonces of a record.
    pub fn kept(
        kept: &DpopKey,
        nonces: &BTreeMap<String, String>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, KeyError> {
        let key = SigningKey::kept(kept)?;
        Ok(Self { key, kept: kept.clone(), nonces: RefCell::new(nonces.clone()), clock, random })
    }

    /// The key, to store with the tokens: they are useless without it.
    pub fn key(&self) -> &DpopKey {
        &self.kept
    }

    pub fn nonces(&self) -> BTreeMap<String, String> {
        self.nonces.borrow().clone()
    }

    /// The thumbprint of the key: `dpop_jkt` (RFC 9449 section 10).
    pub fn thumbprint(&self) -> String {
        self.key.thumbprint()
    }

    /// A new proof for one request (RFC 9449 section 4.2), with the hash of the token that the request carries.
    pub fn proof(
        &self,
        method: &str,
        url: &Url,
        token: Option<&AccessToken>,
        nonce: Option<&str>,
    ) -> Result<SecretText, KeyError> {
        let nonces = self.nonces.borrow();
        let origin = url.origin().ascii_serialization();
        let known = || nonces.get(&origin).map(String::as_str).filter(|_| token.is_none());
        let nonce = nonce.or_else(known);
        let moment = Moment { now: self.clock.now(), random: &*self.random };
        proof(&self.key, &moment, method, url, token, nonce)
    }

    /// Stores the nonce of a response, which is for all later requests to that server (RFC 9449 section 8.2). Returns
    /// whether it is new.
    pub fn learn(&self, url: &Url, response: &HttpResponse) -> bool {
        let Some(nonce) = nonce(response) else { return false };
        let mut nonces = self.nonces.borrow_mut();
        let origin = url.origin().ascii_serialization();
        if nonces.len() >= MOST_NONCES && !nonces.contains_key(&origin) {
            nonces.pop_first();
        }
        nonces.insert(origin, nonce.to_owned()).as_deref() != Some(nonce)
    }
}

impl Prove for Prover {
    fn prove(&self, target: &RequestTarget, token: &AccessToken) -> Result<SecretText, NoHeaders> {
        let proof = self.proof(&target.method, &target.url, Some(token), target.dpop_nonce.as_deref());
        proof.map_err(|_| NoHeaders::NotSigned)
    }
}

/// The proof as a JWT: the key in its header, the request in its claims (RFC 9449 section 4.2).
fn proof(
    key: &SigningKey,
    moment: &Moment<'_>,
    method: &str,
    url: &Url,
    token: Option<&AccessToken>,
    nonce: Option<&str>,
) -> Result<SecretText, KeyError> {
    let mut target = url.clone();
    // "The HTTP target URI, without query and fragment parts."
    target.set_query(None);
    target.set_fragment(None);
    let mut claims = json!({
        "jti": random_text(moment.random),
        "htm": method,
        "htu": target.as_str(),
        "iat": moment.now.as_second(),
    });
    if let Some(token) = token {
        claims["ath"] = token_hash(token).into();
    }
    if let Some(nonce) = nonce {
        claims["nonce"] = nonce.into();
    }
    key.sign(&json!({ "typ": "dpop+jwt", "jwk": key.public_jwk() }), &claims)
}

/// The nonce in a response (RFC 9449 section 8.1: `1*NQCHAR`).
pub fn nonce(response: &HttpResponse) -> Option<&str> {
    let fits = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    response
        .header("dpop-nonce")
        .filter(|nonce| !nonce.is_empty() && nonce.len() <= LONGEST_NONCE && nonce.bytes().all(fits))
}

/// `ath`: base64url of the SHA-256 of the access token (RFC 9449 section 4.2).
fn token_hash(token: &AccessToken) -> String {
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, token.expose().as_bytes()))
}

/// Whether an authorization server asks to repeat the request with its nonce (RFC 9449 section 8).
pub fn server_wants_nonce(response: &HttpResponse) -> bool {
    matches!(response.status, 400 | 401)
        && json::object(&response.body)
            .is_ok_and(|object| object.get("error").is_some_and(|error| error == "use_dpop_nonce"))
}

/// Whether a resource server asks for that (RFC 9449 section 9).
pub fn resource_wants_nonce(response: &HttpResponse) -> bool {
    response.status == 401
        && challenge::challenges(response).iter().any(|challenge| {
            challenge.scheme == "dpop" && challenge.parameter("error") == Some("use_dpop_nonce")
        })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::oauth::jwt::Jwt;
    use crate::oauth::pkce::tests::Counting;

    #[test]
    fn dpop_proofs_have_the_claims_of_rfc_9449() {
        let (key, _) = SigningKey::generate().unwrap();
        // RFC 9449 section 7.1: the token of the example, and its hash.
        let token = AccessToken::new("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
        assert_eq!(token_hash(&token), "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
        let moment =
            Moment { now: Timestamp::from_second(1_562_262_616).unwrap(), random: &Counting::default() };
        let url = Url::parse("https://resource.example.org/protectedresource?a=b#c").unwrap();
        let bare = proof(&key, &moment, "POST", &url, None, None).unwrap();
        let whole = proof(&key, &moment, "GET", &url, Some(&token), Some("eyJ7S_zG")).unwrap();
        let (bare, whole) = (Jwt::decode(bare.expose()).unwrap(), Jwt::decode(whole.expose()).unwrap());
        assert_eq!(bare.header["typ"], "dpop+jwt");
        assert_eq!(bare.header["jwk"], key.public_jwk());
        assert_eq!(bare.claims["htm"], "POST");
        assert_eq!(bare.claims["htu"], "https://resource.example.org/protectedresource");
        assert_eq!(bare.claims["iat"], 1_562_262_616);
        assert_eq!(bare.claims["jti"].as_str().unwrap().len(), 43, "256 bits");
        assert!(!bare.claims.contains_key("ath") && !bare.claims.contains_key("nonce"));
        assert_eq!(whole.claims["ath"], "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
        assert_eq!(whole.claims["nonce"], "eyJ7S_zG");
        assert_ne!(bare.claims["jti"], whole.claims["jti"]);
    }

    #[test]
    fn a_dpop_nonce_is_taken_from_the_server_that_sent_it() {
        for (name, status, header, body, server, resource) in [
            ("RFC 9449 section 8", 400, "", r#"{"error":"use_dpop_nonce"}"#, true, false),
            ("with 401", 401, "", r#"{"error":"use_dpop_nonce"}"#, true, false),
            ("another error", 400, "", r#"{"error":"invalid_grant"}"#, false, false),
            ("with 200", 200, "", r#"{"error":"use_dpop_nonce"}"#, false, false),
            ("section 9", 401, "DPoP error=\"use_dpop_nonce\"", "", false, true),
            ("scheme in other letters", 401, "dpop error=use_dpop_nonce", "", false, true),
            ("another scheme", 401, "Bearer error=\"use_dpop_nonce\"", "", false, false),
            ("forbidden", 403, "DPoP error=\"use_dpop_nonce\"", "", false, false),
        ] {
            let headers = vec![("www-authenticate".to_owned(), header.to_owned())];
            let response = HttpResponse { status, headers, body: body.as_bytes().to_vec().into() };
            assert_eq!(server_wants_nonce(&response), server, "{name}");
            assert_eq!(resource_wants_nonce(&response), resource, "{name}");
        }
    }
}
