//! The validation of id tokens (OpenID Connect Core section 3.1.3.7).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

use super::jose::{self, KeySet};
use super::jwt::{self, Jwt};
use crate::secret::{AccessToken, ClientSecret, IdToken, Nonce};
use crate::text::untrusted::Untrusted;

/// How far clocks may differ, in seconds.
const LEEWAY: i64 = 60;
/// OpenID Connect Core section 2: `sub` "MUST NOT exceed 255 ASCII characters".
const LONGEST_SUBJECT: usize = 255;

/// What an id token must agree with.
#[derive(Debug, Clone)]
pub struct Expected<'a> {
    /// The issuers that it may name.
    pub issuer: AcceptedIssuer<'a>,
    /// The client.
    pub client_id: &'a str,
    /// The nonce that was sent.
    pub nonce: Option<&'a Nonce>,
    /// The algorithms that it may be signed with: what the client is registered for, never what its header says.
    pub algorithms: &'a [Algorithm],
    /// The key of HS256 and its like, where the client is registered for that.
    pub client_secret: Option<&'a ClientSecret>,
    /// The access token that came with it.
    pub access_token: Option<&'a AccessToken>,
    /// `max_age` of the request, in seconds.
    pub max_age: Option<i64>,
    /// Now.
    pub now: Timestamp,
}

/// Why an id token was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// It is no signed JWT.
    #[error("the id token is not a signed JWT")]
    Malformed,
    /// Not the algorithm that the client is registered for.
    #[error(
        "the id token is signed with {found}, and {expected} is expected; if the client is registered for another algorithm, set id_token_signed_response_alg"
    )]
    Algorithm {
        /// What the header says.
        found: Untrusted,
        /// What is expected.
        expected: String,
    },
    /// No key of the server fits, or the signature is wrong. A fresh key set may mend it (OpenID Connect Core section 10.1.1).
    #[error("the id token's signature cannot be verified with the server's keys")]
    Signature,
    /// A claim that must be there is missing.
    #[error("the id token has no `{0}`")]
    Missing(&'static str),
    /// A claim does not agree.
    #[error("the id token's `{claim}` is {found}, {problem}")]
    Mismatch {
        /// The claim.
        claim: &'static str,
        /// What it is.
        found: Untrusted,
        /// What is wrong with it.
        problem: String,
    },
    /// The tokens of a refresh belong to another user or issuer than those of the login (OpenID Connect Core section 12.2).
    #[error("the id token is for a different user or issuer than the login: its `{claim}` is {found}")]
    OtherOwner {
        /// The claim.
        claim: &'static str,
        /// What it is.
        found: Untrusted,
    },
    /// A claim that holds a secret, or a long value, does not agree.
    #[error("the id token's `{0}` does not agree with the request")]
    Disagrees(&'static str),
}

impl IdTokenError {
    /// Whether it may be the fault of a clock alone.
    #[must_use]
    pub fn is_about_time(&self) -> bool {
        matches!(self, Self::Mismatch { claim: "exp" | "iat", .. } | Self::Disagrees("nbf"))
    }
}

/// The claims of a validated id token.
#[derive(Debug, Clone)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// Claims that were validated when they were kept.
    #[must_use]
    pub fn known(claims: Map<String, Value>) -> Self {
        Self(claims)
    }

    /// Those that the id tokens of later refreshes must agree with (OpenID Connect Core section 12.2).
    #[must_use]
    pub fn lasting(&self) -> Map<String, Value> {
        let names = ["iss", "sub", "azp", "auth_time", "nonce"];
        names.iter().filter_map(|name| Some(((*name).to_owned(), self.0.get(*name)?.clone()))).collect()
    }
    /// The subject: who, for this issuer.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.text("sub").unwrap_or_default()
    }

    /// A claim that is a string.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// When the token ends.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        seconds(&self.0, "exp").and_then(|seconds| Timestamp::from_second(seconds).ok())
    }

    /// All claims.
    #[must_use]
    pub fn all(&self) -> &Map<String, Value> {
        &self.0
    }
}

/// Validates an id token (OpenID Connect Core section 3.1.3.7). `jku`, `x5u` and `jwk` in its header are not looked at.
///
/// # Errors
/// [`IdTokenError`]; after [`IdTokenError::Signature`] the caller may try once more with a fresh key set.
pub fn validate(token: &IdToken, keys: &KeySet, expected: &Expected<'_>) -> Result<Claims, IdTokenError> {
    let jwt = Jwt::decode(token.expose()).ok_or(IdTokenError::Malformed)?;
    let named = jwt.algorithm();
    let algorithm = expected.algorithms.iter().copied().find(|&algorithm| format!("{algorithm:?}") == named);
    let Some(algorithm) = algorithm else {
        let names: Vec<String> =
            expected.algorithms.iter().map(|algorithm| format!("{algorithm:?}")).collect();
        let expected =
            if names.is_empty() { "nothing that the server offers".to_owned() } else { names.join(" or ") };
        return Err(IdTokenError::Algorithm { found: Untrusted::new(named), expected });
    };
    // RFC 7515 section 4.1.11: an extension that must be understood, and none is.
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

/// Checks the id token that a refresh brought against the login's (OpenID Connect Core section 12.2): the same issuer and
/// subject, the login's time and the party unchanged, and no other nonce.
///
/// # Errors
/// [`IdTokenError::Disagrees`].
pub fn check_refreshed(
    refreshed: &Claims,
    original: Option<&Claims>,
    subject: Option<&str>,
) -> Result<(), IdTokenError> {
    if subject.is_some_and(|subject| subject != refreshed.subject()) {
        return Err(IdTokenError::Disagrees("sub"));
    }
    let Some(original) = original else { return Ok(()) };
    for claim in ["iss", "sub"] {
        if original.text(claim) != refreshed.text(claim) {
            return Err(IdTokenError::Disagrees(claim));
        }
    }
    // What a refreshed token may leave out must not differ where it is there; only the time of a login that did not say
    // its own may be news.
    for claim in ["auth_time", "azp", "nonce"] {
        let (before, now) = (original.0.get(claim), refreshed.0.get(claim));
        let is_news = claim == "auth_time" && before.is_none();
        if now.is_some() && now != before && !is_news {
            return Err(IdTokenError::Disagrees(claim));
        }
    }
    Ok(())
}

/// Whose tokens a refresh may bring: those of the login (OpenID Connect Core section 12.2).
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// The issuer that the configuration or its metadata names, for a login that did not record one.
    pub issuer: AcceptedIssuer<'a>,
    /// The claims of the login's id token.
    pub original: Option<&'a Claims>,
    /// The user's identifier at the issuer, where the login recorded it.
    pub subject: Option<&'a str>,
}

impl Owner<'_> {
    /// Checks that an id token does not name another user or issuer. The token need not be valid; one that cannot be read
    /// names nobody.
    ///
    /// # Errors
    /// [`IdTokenError::OtherOwner`].
    pub fn check(&self, token: &IdToken) -> Result<(), IdTokenError> {
        let Some(claims) = stored_claims(token) else { return Ok(()) };
        let original = |claim| self.original.and_then(|original| original.text(claim));
        let other = |claim, found: &str| IdTokenError::OtherOwner { claim, found: Untrusted::new(found) };
        if let Some(subject) = claims.text("sub").filter(|subject| !subject.is_empty())
            && self.subject.or(original("sub")).is_some_and(|known| known != subject)
        {
            return Err(other("sub", subject));
        }
        let Some(issuer) = claims.text("iss") else { return Ok(()) };
        let is_ours = match original("iss") {
            Some(known) => known == issuer,
            None => self.issuer.accepts(issuer, claims.text("tid")),
        };
        if is_ours { Ok(()) } else { Err(other("iss", issuer)) }
    }
}

/// The issuers that an id token may name.
#[derive(Debug, Clone, Copy)]
pub struct AcceptedIssuer<'a> {
    /// The issuer, as its metadata writes it.
    pub issuer: &'a str,
    /// A second issuer that some servers name: a quirk.
    pub other: Option<&'a str>,
    /// `{tenantid}` in the issuer stands for the token's own `tid`: a quirk of Microsoft Entra.
    pub tenant: bool,
}

impl AcceptedIssuer<'_> {
    fn accepts(&self, found: &str, tenant: Option<&str>) -> bool {
        found == self.expected(tenant) || Some(found) == self.other
    }

    fn expected(&self, tenant: Option<&str>) -> String {
        match tenant {
            Some(tenant) if self.tenant && is_tenant(tenant) => self.issuer.replace("{tenantid}", tenant),
            _ => self.issuer.to_owned(),
        }
    }
}

/// The claims of a token that was validated when it was stored.
#[must_use]
pub fn stored_claims(token: &IdToken) -> Option<Claims> {
    Jwt::decode(token.expose()).map(|jwt| Claims(jwt.claims))
}

/// When a token that was validated when it was stored expires.
#[must_use]
pub fn stored_expiry(token: &IdToken) -> Option<Timestamp> {
    stored_claims(token)?.expires_at()
}

fn check_claims(
    claims: &Map<String, Value>,
    algorithm: Algorithm,
    expected: &Expected<'_>,
) -> Result<(), IdTokenError> {
    let text =
        |name: &'static str| claims.get(name).and_then(Value::as_str).ok_or(IdTokenError::Missing(name));
    let mismatch = |claim: &'static str, found: &str, problem: String| IdTokenError::Mismatch {
        claim,
        found: Untrusted::new(found),
        problem,
    };
    let issuer = text("iss")?;
    let tenant = claims.get("tid").and_then(Value::as_str);
    if !expected.issuer.accepts(issuer, tenant) {
        return Err(mismatch("iss", issuer, format!("not {}", expected.issuer.expected(tenant))));
    }
    check_audience(claims, expected)?;
    let now = expected.now.as_second();
    let expires_at = seconds(claims, "exp").ok_or(IdTokenError::Missing("exp"))?;
    if expires_at <= now - LEEWAY {
        return Err(mismatch(
            "exp",
            &expires_at.to_string(),
            format!("which is past: it is {now} by this clock"),
        ));
    }
    let issued_at = seconds(claims, "iat").ok_or(IdTokenError::Missing("iat"))?;
    if issued_at > now + LEEWAY {
        return Err(mismatch(
            "iat",
            &issued_at.to_string(),
            format!("which is to come: it is {now} by this clock"),
        ));
    }
    if seconds(claims, "nbf").is_some_and(|not_before| not_before > now + LEEWAY) {
        return Err(IdTokenError::Disagrees("nbf"));
    }
    let subject = text("sub")?;
    if subject.is_empty() || subject.len() > LONGEST_SUBJECT || !subject.is_ascii() {
        return Err(mismatch("sub", subject, "which is no subject identifier".to_owned()));
    }
    if let Some(nonce) = expected.nonce {
        use subtle::ConstantTimeEq as _;
        if !bool::from(text("nonce")?.as_bytes().ct_eq(nonce.expose().as_bytes())) {
            return Err(IdTokenError::Disagrees("nonce"));
        }
    }
    if let Some(max_age) = expected.max_age {
        let authenticated = seconds(claims, "auth_time").ok_or(IdTokenError::Missing("auth_time"))?;
        if authenticated.saturating_add(max_age) < now - LEEWAY {
            return Err(IdTokenError::Disagrees("auth_time"));
        }
    }
    if let (Some(hash), Some(token)) = (claims.get("at_hash"), expected.access_token)
        && hash.as_str() != Some(&half_hash(algorithm, token.expose()))
    {
        return Err(IdTokenError::Disagrees("at_hash"));
    }
    Ok(())
}

/// Core section 3.1.3.7 (3) to (5): the client is in the audience, alone; `azp` names it.
fn check_audience(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), IdTokenError> {
    let audience: Vec<&str> = match claims.get("aud").ok_or(IdTokenError::Missing("aud"))? {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return Err(IdTokenError::Disagrees("aud")),
    };
    let authorized = claims.get("azp").and_then(Value::as_str);
    let found = || Untrusted::new(audience.join(" "));
    if !audience.contains(&expected.client_id) {
        let problem = format!("which lacks this client, {}", expected.client_id);
        return Err(IdTokenError::Mismatch { claim: "aud", found: found(), problem });
    }
    // Others in the audience are not trusted, unless the server says by `azp` that the token is for this client.
    if audience.len() > 1 && authorized != Some(expected.client_id) {
        let problem = "which has others beside this client, and no `azp` that names it".to_owned();
        return Err(IdTokenError::Mismatch { claim: "aud", found: found(), problem });
    }
    if let Some(party) = authorized.filter(|&party| party != expected.client_id) {
        let problem = format!("not this client, {}", expected.client_id);
        return Err(IdTokenError::Mismatch { claim: "azp", found: Untrusted::new(party), problem });
    }
    Ok(())
}

/// Core section 3.1.3.6: base64url of the left half of the hash that the signature's algorithm uses.
fn half_hash(algorithm: Algorithm, token: &str) -> String {
    let digest = ring::digest::digest(jose::digest_of(algorithm), token.as_bytes());
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..digest.as_ref().len() / 2])
}

/// A NumericDate (RFC 7519 section 2), to the second.
fn seconds(claims: &Map<String, Value>, name: &str) -> Option<i64> {
    let number = claims.get(name)?;
    #[expect(clippy::cast_possible_truncation, reason = "checked to be far inside the range")]
    let whole = |number: f64| (number.abs() < 1e15).then_some(number as i64);
    number.as_i64().or_else(|| number.as_f64().and_then(whole))
}

/// A tenant's id is put into a URL to compare: it must not bring slashes.
fn is_tenant(tenant: &str) -> bool {
    tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use serde_json::json;

    use super::*;

    struct Signer(EcdsaKeyPair);

    impl Signer {
        fn new() -> Self {
            let random = SystemRandom::new();
            let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random)
                .unwrap();
            Self(key)
        }

        fn jwk(&self, kid: &str) -> Value {
            let point = &self.0.public_key().as_ref()[1..];
            let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            json!({"kty":"EC","crv":"P-256","kid":kid,"use":"sig","x":encode(&point[..32]),"y":encode(&point[32..])})
        }

        fn sign(&self, header: &Value, claims: &Value) -> IdToken {
            let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let message = format!("{}.{}", encode(header), encode(claims));
            let signature = self.0.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
            IdToken::new(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref())))
        }
    }

    fn keys(keys: &[Value]) -> KeySet {
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    fn changed(base: &Value, changes: Value) -> Value {
        let mut claims = base.as_object().unwrap().clone();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                claims.remove(name);
            } else {
                claims.insert(name.clone(), value.clone());
            }
        }
        Value::Object(claims)
    }

    #[test]
    fn id_token_claims_are_checked() {
        let signer = Signer::new();
        let nonce = Nonce::new("n-0S6_WzA2Mj");
        let access_token = AccessToken::new("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y");
        let at_hash = half_hash(Algorithm::ES256, access_token.expose());
        let expected = Expected {
            issuer: AcceptedIssuer { issuer: "https://as.example", other: None, tenant: false },
            client_id: "app",
            nonce: Some(&nonce),
            algorithms: &[Algorithm::ES256],
            client_secret: None,
            access_token: Some(&access_token),
            max_age: None,
            now: Timestamp::from_second(1_000_000).unwrap(),
        };
        let good = json!({"iss":"https://as.example","aud":"app","sub":"alice","exp":1_000_300,"iat":1_000_000,"nonce":"n-0S6_WzA2Mj"});
        let set = keys(&[signer.jwk("1")]);
        for (name, changes, want) in [
            ("as it should be", json!({}), Ok(())),
            ("valid-aud-as-array", json!({"aud":["app"]}), Ok(())),
            (
                "invalid-iss",
                json!({"iss":"https://evil.example"}),
                Err("the id token's `iss` is `https://evil.example`, not https://as.example"),
            ),
            ("missing iss", json!({"iss":null}), Err("the id token has no `iss`")),
            (
                "invalid-aud",
                json!({"aud":"other"}),
                Err("the id token's `aud` is `other`, which lacks this client, app"),
            ),
            ("missing-aud", json!({"aud":null}), Err("the id token has no `aud`")),
            (
                "invalid-secondary-aud",
                json!({"aud":["app","other"]}),
                Err(
                    "the id token's `aud` is `app other`, which has others beside this client, and no `azp` that names it",
                ),
            ),
            ("several with azp", json!({"aud":["app","other"],"azp":"app"}), Ok(())),
            (
                "azp of another",
                json!({"azp":"other"}),
                Err("the id token's `azp` is `other`, not this client, app"),
            ),
            (
                "invalid-expired-exp",
                json!({"exp":999_000}),
                Err("the id token's `exp` is `999000`, which is past: it is 1000000 by this clock"),
            ),
            ("within the leeway", json!({"exp":999_950}), Ok(())),
            ("missing exp", json!({"exp":null}), Err("the id token has no `exp`")),
            ("missing-iat", json!({"iat":null}), Err("the id token has no `iat`")),
            (
                "future iat",
                json!({"iat":1_001_000}),
                Err("the id token's `iat` is `1001000`, which is to come: it is 1000000 by this clock"),
            ),
            (
                "nbf to come",
                json!({"nbf":1_001_000}),
                Err("the id token's `nbf` does not agree with the request"),
            ),
            (
                "nonce-invalid",
                json!({"nonce":"other"}),
                Err("the id token's `nonce` does not agree with the request"),
            ),
            ("missing nonce", json!({"nonce":null}), Err("the id token has no `nonce`")),
            ("missing-sub", json!({"sub":null}), Err("the id token has no `sub`")),
            ("long sub", json!({"sub":"x".repeat(256)}), Err("the id token's `sub` is")),
            ("at_hash", json!({"at_hash":at_hash}), Ok(())),
            (
                "invalid-athash",
                json!({"at_hash":"AAAA"}),
                Err("the id token's `at_hash` does not agree with the request"),
            ),
            (
                "at_hash is no string",
                json!({"at_hash":5}),
                Err("the id token's `at_hash` does not agree with the request"),
            ),
        ] {
            let token = signer.sign(&json!({"alg":"ES256","kid":"1"}), &changed(&good, changes));
            match (validate(&token, &set, &expected), want) {
                (Ok(_), Ok(())) => {}
                (Err(error), Err(want)) => assert!(error.to_string().starts_with(want), "{name}: {error}"),
                (got, want) => panic!("{name}: {got:?}, not {want:?}"),
            }
        }
        let aged = Expected { max_age: Some(60), ..expected.clone() };
        for (name, changes, valid) in [
            ("recent", json!({"auth_time":999_990}), true),
            ("long ago", json!({"auth_time":900_000}), false),
            ("missing", json!({}), false),
        ] {
            let token = signer.sign(&json!({"alg":"ES256","kid":"1"}), &changed(&good, changes));
            assert_eq!(validate(&token, &set, &aged).is_ok(), valid, "{name}");
        }
    }

    #[test]
    fn signatures_are_verified_with_the_expected_algorithm_and_key_f_jwt() {
        let (signer, other) = (Signer::new(), Signer::new());
        let expected = Expected {
            issuer: AcceptedIssuer { issuer: "https://as.example", other: None, tenant: false },
            client_id: "app",
            nonce: None,
            algorithms: &[Algorithm::ES256],
            client_secret: None,
            access_token: None,
            max_age: None,
            now: Timestamp::from_second(1_000_000).unwrap(),
        };
        let claims =
            json!({"iss":"https://as.example","aud":"app","sub":"alice","exp":1_000_300,"iat":1_000_000});
        let one = keys(&[signer.jwk("1")]);
        let two = keys(&[other.jwk("2"), signer.jwk("1")]);
        let wrong_algorithm = |found: &str| {
            format!(
                "the id token is signed with `{found}`, and ES256 is expected; if the client is registered for another algorithm, set id_token_signed_response_alg"
            )
        };
        let unverified = "the id token's signature cannot be verified with the server's keys".to_owned();
        for (name, header, set, want) in [
            ("signed", json!({"alg":"ES256","kid":"1"}), &one, None),
            ("kid-absent-single-jwks", json!({"alg":"ES256"}), &one, None),
            ("kid-absent-multiple-jwks", json!({"alg":"ES256"}), &two, None),
            ("unknown kid", json!({"alg":"ES256","kid":"9"}), &one, Some(unverified.clone())),
            ("kid of another key", json!({"alg":"ES256","kid":"2"}), &two, Some(unverified.clone())),
            ("idtoken-sig-none", json!({"alg":"none"}), &one, Some(wrong_algorithm("none"))),
            ("invalid-null-alg", json!({"alg":null}), &one, Some(wrong_algorithm(""))),
            ("invalid-alternate-alg", json!({"alg":"RS256","kid":"1"}), &one, Some(wrong_algorithm("RS256"))),
            (
                "HS256 with a public key",
                json!({"alg":"HS256","kid":"1"}),
                &one,
                Some(wrong_algorithm("HS256")),
            ),
            (
                "critical extension",
                json!({"alg":"ES256","kid":"1","crit":["b64"],"b64":false}),
                &one,
                Some("the id token is not a signed JWT".to_owned()),
            ),
            (
                "jku and jwk are ignored",
                json!({"alg":"ES256","jku":"https://evil.example/k","jwk":signer.jwk("1")}),
                &keys(&[other.jwk("2")]),
                Some(unverified.clone()),
            ),
            ("no keys", json!({"alg":"ES256","kid":"1"}), &keys(&[]), Some(unverified.clone())),
        ] {
            let error =
                validate(&signer.sign(&header, &claims), set, &expected).err().map(|error| error.to_string());
            assert_eq!(error, want, "{name}");
        }
        let token = signer.sign(&json!({"alg":"ES256","kid":"1"}), &claims);
        let forged = IdToken::new(token.expose().replacen('.', ".e30", 1));
        assert!(validate(&forged, &one, &expected).is_err());
        for text in ["", "a", "a.b", "a.b.c", "a.b.c.d", "e30.e30.", "..."] {
            assert!(validate(&IdToken::new(text), &one, &expected).is_err(), "{text}");
        }
    }

    #[test]
    fn a_shared_secret_verifies_only_what_it_signed_f_jwt() {
        let claims = json!({
            "iss": "https://as.example", "sub": "alice", "aud": "app", "iat": 1000, "exp": 5000,
        });
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(&json!({ "alg": "HS256" })), encode(&claims));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"the client's secret");
        let signature = URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, message.as_bytes()));
        let token = IdToken::new(format!("{message}.{signature}"));
        let (right, wrong) = (ClientSecret::new("the client's secret"), ClientSecret::new("another"));
        for (name, secret, want) in [
            ("the client's", Some(&right), Ok(())),
            ("another", Some(&wrong), Err(IdTokenError::Signature)),
            ("none", None, Err(IdTokenError::Signature)),
        ] {
            let expected = Expected {
                issuer: AcceptedIssuer { issuer: "https://as.example", other: None, tenant: false },
                client_id: "app",
                nonce: None,
                algorithms: &[Algorithm::HS256],
                client_secret: secret,
                access_token: None,
                max_age: None,
                now: Timestamp::from_second(2000).unwrap(),
            };
            assert_eq!(validate(&token, &keys(&[]), &expected).map(|_| ()), want, "{name}");
        }
    }

    #[test]
    fn an_id_token_of_another_user_or_issuer_is_recognised_even_when_it_is_not_valid() {
        let signer = Signer::new();
        let login = Claims::known(
            json!({ "iss": "https://as.example", "sub": "alice" }).as_object().unwrap().clone(),
        );
        let issuer =
            AcceptedIssuer { issuer: "https://as.example", other: Some("as.example"), tenant: false };
        let recorded = Owner { issuer, original: Some(&login), subject: None };
        let unrecorded = Owner { issuer, original: None, subject: None };
        let by_userinfo = Owner { issuer, original: None, subject: Some("alice") };
        for (name, owner, claims, want) in [
            ("the same", recorded, json!({ "iss": "https://as.example", "sub": "alice" }), None),
            ("another user", recorded, json!({ "iss": "https://as.example", "sub": "mallory" }), Some("sub")),
            ("another user, known by userinfo", by_userinfo, json!({ "sub": "mallory" }), Some("sub")),
            (
                "another issuer",
                recorded,
                json!({ "iss": "https://evil.example", "sub": "alice" }),
                Some("iss"),
            ),
            (
                "another issuer, nothing recorded",
                unrecorded,
                json!({ "iss": "https://evil.example" }),
                Some("iss"),
            ),
            ("the quirk's issuer, nothing recorded", unrecorded, json!({ "iss": "as.example" }), None),
            ("another user than nobody", unrecorded, json!({ "sub": "alice" }), None),
            ("no claims", recorded, json!({}), None),
            ("an empty subject", recorded, json!({ "sub": "" }), None),
            ("claims of another type", recorded, json!({ "iss": 7, "sub": ["alice"] }), None),
        ] {
            let token = signer.sign(&json!({ "alg": "none" }), &claims);
            let found = owner.check(&token).err().map(|error| error.to_string());
            assert_eq!(found.is_some(), want.is_some(), "{name}: {found:?}");
            assert!(
                want.is_none_or(|claim| found.unwrap_or_default().contains(&format!("`{claim}` is"))),
                "{name}"
            );
        }
        assert_eq!(recorded.check(&IdToken::new("not a token")), Ok(()));
    }

    #[test]
    fn microsoft_tenants() {
        let signer = Signer::new();
        let expected = Expected {
            issuer: AcceptedIssuer {
                issuer: "https://login.example/{tenantid}/v2.0",
                other: None,
                tenant: true,
            },
            client_id: "app",
            nonce: None,
            algorithms: &[Algorithm::ES256],
            client_secret: None,
            access_token: None,
            max_age: None,
            now: Timestamp::from_second(1_000_000).unwrap(),
        };
        for (issuer, tenant, valid) in [
            ("https://login.example/9188/v2.0", "9188", true),
            ("https://login.example/9188/v2.0", "other", false),
            ("https://login.example/a/b/v2.0", "a/b", false),
            ("https://login.example/{tenantid}/v2.0", "9188", false),
        ] {
            let claims =
                json!({"iss":issuer,"tid":tenant,"aud":"app","sub":"a","exp":1_000_300,"iat":1_000_000});
            let token = signer.sign(&json!({"alg":"ES256"}), &claims);
            assert_eq!(
                validate(&token, &keys(&[signer.jwk("1")]), &expected).is_ok(),
                valid,
                "{issuer} {tenant}"
            );
        }
    }
}
