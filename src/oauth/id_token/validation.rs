//! Validates an ID token (OpenID Connect Core section 3.1.3.7).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

use super::accepted_issuer::AcceptedIssuer;
use super::claims::{Claims, seconds};
use super::error::IdTokenError;
use crate::oauth::jose::{self, KeySet};
use crate::oauth::jwt::{self, Jwt};
use crate::secret::{AccessToken, ClientSecret, IdToken, Nonce};
use crate::text::untrusted::Untrusted;

/// How much clocks may differ, in seconds.
const LEEWAY: i64 = 60;
/// OpenID Connect Core section 2: `sub` "MUST NOT exceed 255 ASCII characters".
const LONGEST_SUBJECT: usize = 255;

/// What an ID token must match.
#[derive(Debug, Clone)]
pub struct Expected<'a> {
    pub issuer: AcceptedIssuer<'a>,
    pub client_id: &'a str,
    /// The nonce of the authorization request.
    pub nonce: Option<&'a Nonce>,
    /// The accepted algorithms: what the client is registered for, never what the token's header says.
    pub algorithms: &'a [Algorithm],
    /// The key for HS256 and its relatives, if the client is registered for one of them.
    pub client_secret: Option<&'a ClientSecret>,
    /// The access token that was issued with it.
    pub access_token: Option<&'a AccessToken>,
    pub max_age: Option<i64>,
    pub now: Timestamp,
}

/// Validates an ID token (OpenID Connect Core section 3.1.3.7). `jku`, `x5u` and `jwk` in its header are ignored. After
/// [`IdTokenError::Signature`] the caller may try again with a newly fetched key set.
pub fn validate(token: &IdToken, keys: &KeySet, expected: &Expected<'_>) -> Result<Claims, IdTokenError> {
    let jwt = Jwt::decode(token.expose()).ok_or(IdTokenError::Malformed)?;
    let named = jwt.algorithm();
    let algorithm = expected.algorithms.iter().copied().find(|&algorithm| format!("{algorithm:?}") == named);
    let Some(algorithm) = algorithm else {
        let names: Vec<String> =
            expected.algorithms.iter().map(|algorithm| format!("{algorithm:?}")).collect();
        let expected = if names.is_empty() {
            "an algorithm that the server offers".to_owned()
        } else {
            names.join(" or ")
        };
        return Err(IdTokenError::Algorithm { found: Untrusted::new(named), expected });
    };
    // RFC 7515 section 4.1.11: an extension that must be understood, and authctl understands none.
    if jwt.header.contains_key("crit") {
        return Err(IdTokenError::Malformed);
    }
    let fits = match (algorithm, expected.client_secret) {
        (Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512, secret) => secret.is_some_and(|secret| {
            let key = DecodingKey::from_secret(secret.expose().as_bytes());
            jwt::is_signed_with(token.expose(), &key, algorithm)
        }),
        _ => jwt::is_signed_by(token.expose(), keys, algorithm, jwt.key_id()),
    };
    if !fits {
        return Err(IdTokenError::Signature);
    }
    check_claims(&jwt.claims, algorithm, expected)?;
    Ok(Claims(jwt.claims))
}

fn check_claims(
    claims: &Map<String, Value>,
    algorithm: Algorithm,
    expected: &Expected<'_>,
) -> Result<(), IdTokenError> {
    let text =
        |name: &'static str| claims.get(name).and_then(Value::as_str).ok_or(IdTokenError::Missing(name));
    let issuer = text("iss")?;
    let tenant = claims.get("tid").and_then(Value::as_str);
    if !expected.issuer.accepts(issuer, tenant) {
        return Err(mismatch("iss", issuer, format!("not {}", expected.issuer.expected(tenant))));
    }
    check_audience(claims, expected)?;
    check_times(claims, expected)?;
    let subject = text("sub")?;
    if subject.is_empty() || subject.len() > LONGEST_SUBJECT || !subject.is_ascii() {
        return Err(mismatch("sub", subject, "which is not a valid subject identifier".to_owned()));
    }
    if let Some(nonce) = expected.nonce {
        use subtle::ConstantTimeEq as _;
        if !bool::from(text("nonce")?.as_bytes().ct_eq(nonce.expose().as_bytes())) {
            return Err(IdTokenError::Disagrees("nonce"));
        }
    }
    if let (Some(hash), Some(token)) = (claims.get("at_hash"), expected.access_token)
        && hash.as_str() != Some(&half_hash(algorithm, token.expose()))
    {
        return Err(IdTokenError::Disagrees("at_hash"));
    }
    Ok(())
}

/// Core section 3.1.3.7 (9), (10) and (13): the token has not expired, is not from the future, and the login is recent enough.
fn check_times(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), IdTokenError> {
    let now = expected.now.as_second();
    let time = |name: &'static str| seconds(claims, name).ok_or(IdTokenError::Missing(name));
    let expires_at = time("exp")?;
    if expires_at <= now - LEEWAY {
        let problem = format!("in the past: this machine's clock says {now}");
        return Err(mismatch("exp", &expires_at.to_string(), problem));
    }
    let issued_at = time("iat")?;
    if issued_at > now + LEEWAY {
        let problem = format!("in the future: this machine's clock says {now}");
        return Err(mismatch("iat", &issued_at.to_string(), problem));
    }
    if seconds(claims, "nbf").is_some_and(|not_before| not_before > now + LEEWAY) {
        return Err(IdTokenError::Disagrees("nbf"));
    }
    if let Some(max_age) = expected.max_age
        && time("auth_time")?.saturating_add(max_age) < now - LEEWAY
    {
        return Err(IdTokenError::Disagrees("auth_time"));
    }
    Ok(())
}

fn mismatch(claim: &'static str, found: &str, problem: String) -> IdTokenError {
    IdTokenError::Mismatch { claim, found: Untrusted::new(found), problem }
}

/// Core section 3.1.3.7 (3) to (5): the client is in the audience, and `azp` names it if others are too.
fn check_audience(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), IdTokenError> {
    let audience: Vec<&str> = match claims.get("aud").ok_or(IdTokenError::Missing("aud"))? {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return Err(IdTokenError::Disagrees("aud")),
    };
    let authorized = claims.get("azp").and_then(Value::as_str);
    if !audience.contains(&expected.client_id) {
        let problem = format!("which does not include this client, {}", expected.client_id);
        return Err(mismatch("aud", &audience.join(" "), problem));
    }
    // Other audiences are not trusted unless the server confirms with `azp` that the token is for this client.
    if audience.len() > 1 && authorized != Some(expected.client_id) {
        let problem = "which includes others besides this client, and no `azp` names this client".to_owned();
        return Err(mismatch("aud", &audience.join(" "), problem));
    }
    if let Some(party) = authorized.filter(|&party| party != expected.client_id) {
        let problem = format!("not this client, {}", expected.client_id);
        return Err(mismatch("azp", party, problem));
    }
    Ok(())
}

/// Core section 3.1.3.6: base64url of the left half of the hash that belongs to the signature algorithm.
pub(super) fn half_hash(algorithm: Algorithm, token: &str) -> String {
    let digest = ring::digest::digest(jose::digest_of(algorithm), token.as_bytes());
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..digest.as_ref().len() / 2])
}
