//! Tokens: what a server granted, and what authenticates a request.

use std::time::Duration;

use std::fmt;
use std::rc::Rc;

use jiff::Timestamp;
use url::Url;

use crate::name::ScopeSet;
use crate::secret::{AccessToken, IdToken, Password, RefreshToken, SecretText};

/// What authenticates a request. Formats, helpers and `curl` accept only this.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A bearer token (RFC 6750).
    Bearer(AccessToken),
    /// A token that is bound to a key: every request needs its own proof (RFC 9449).
    Dpop(AccessToken, Rc<dyn Prove>),
    /// A token that must not be sent with a request, as a token exchange may issue it (`N_A`, RFC 8693 section 2.2.1).
    Untyped(AccessToken),
    /// A user name and a password (RFC 7617).
    Basic {
        /// It has no colon.
        username: String,
        password: Password,
    },
    /// Headers that contain keys. `token` prints the first one.
    Headers(Vec<KeyHeader>),
}

/// A header that contains a key.
#[derive(Debug, Clone)]
pub struct KeyHeader {
    pub name: String,
    /// The text before the key, without the space between them.
    pub prefix: String,
    pub key: SecretText,
}

/// A header line for a request. Its value is secret.
#[derive(Debug, Clone)]
pub struct HeaderLine {
    pub name: String,
    pub value: SecretText,
}

/// Makes the proof that a request with a bound token needs.
pub trait Prove: fmt::Debug {
    fn prove(&self, target: &RequestTarget, token: &AccessToken) -> Result<SecretText, NoHeaders>;
}

/// The request that a proof is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestTarget {
    pub method: String,
    pub url: Url,
    /// The nonce that the resource server asked for.
    pub dpop_nonce: Option<String>,
}

/// Why a request with this method gets no credential; `None` if it may have one (F-SRV2).
///
/// "A client MUST NOT generate fields in a TRACE request containing sensitive data" (RFC 9110 section 9.3.8), because
/// the response repeats them. IIS treats TRACK the same. CONNECT opens a tunnel to a host that nobody has checked.
pub fn method_refusal(method: &str) -> Option<&'static str> {
    match method.to_ascii_uppercase().as_str() {
        "TRACE" | "TRACK" => Some("the server would send the token back in its response"),
        "CONNECT" => Some("it opens a tunnel, but the token is for a single request"),
        _ => None,
    }
}

/// Why a request with this header gets no credential: servers that obey such headers replace the request's method, and
/// the replacement may have none (F-SRV2). `None` if the request may have one.
pub fn method_override_refusal(name: &str, value: &str) -> Option<&'static str> {
    let replaces_method = ["x-http-method-override", "x-http-method", "x-method-override"]
        .iter()
        // Some servers read an underscore as a hyphen.
        .any(|header| name.trim().replace('_', "-").eq_ignore_ascii_case(header));
    let mut methods = value.split(|c: char| !c.is_ascii_alphanumeric());
    if replaces_method { methods.find_map(method_refusal) } else { None }
}

/// Why a credential cannot be sent in headers. The error contains no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoHeaders {
    #[error("this token is bound to a key (DPoP): each request needs its own proof, for its method and URL")]
    NeedsTarget,
    #[error("the server says that this token must not be sent with a request (token_type N_A)")]
    NotForRequests,
    #[error("cannot sign the DPoP proof")]
    NotSigned,
}

impl Credential {
    /// The headers that authenticate one request (RFC 6750 section 2.1, RFC 7617 section 2, RFC 9449 section 7.1). A
    /// token that is bound to a key needs the request.
    pub fn headers(&self, target: Option<&RequestTarget>) -> Result<Vec<HeaderLine>, NoHeaders> {
        let authorization =
            |value: String| HeaderLine { name: "Authorization".to_owned(), value: SecretText::new(value) };
        Ok(match self {
            Self::Bearer(token) => vec![authorization(format!("Bearer {}", token.expose()))],
            Self::Dpop(token, prover) => {
                let proof = prover.prove(target.ok_or(NoHeaders::NeedsTarget)?, token)?;
                let proof = HeaderLine { name: "DPoP".to_owned(), value: proof };
                vec![authorization(format!("DPoP {}", token.expose())), proof]
            }
            Self::Untyped(_) => return Err(NoHeaders::NotForRequests),
            Self::Basic { username, password } => {
                vec![authorization(format!("Basic {}", basic(username, password.expose())))]
            }
            Self::Headers(headers) => headers
                .iter()
                .map(|header| {
                    let separator = if header.prefix.is_empty() { "" } else { " " };
                    let value = format!("{}{separator}{}", header.prefix, header.key.expose());
                    HeaderLine { name: header.name.clone(), value: SecretText::new(value) }
                })
                .collect(),
        })
    }

    /// The secret alone: the token, the password or the first key.
    pub fn bare(&self) -> SecretText {
        match self {
            Self::Bearer(token) | Self::Dpop(token, _) | Self::Untyped(token) => {
                SecretText::new(token.expose())
            }
            Self::Basic { password, .. } => SecretText::new(password.expose()),
            Self::Headers(headers) => {
                headers.first().map_or_else(|| SecretText::new(""), |header| header.key.clone())
            }
        }
    }

    /// The name of the authentication scheme, as in `token_type`.
    pub fn token_type(&self) -> &str {
        match self {
            Self::Bearer(_) => "Bearer",
            Self::Dpop(..) => "DPoP",
            Self::Untyped(_) => "N_A",
            Self::Basic { .. } => "Basic",
            Self::Headers(_) => "api_key",
        }
    }
}

/// The credentials for HTTP Basic authentication: base64 of `user:password` (RFC 7617 section 2).
pub fn basic(username: &str, password: &str) -> String {
    use base64::Engine as _;
    let pair = zeroize::Zeroizing::new(format!("{username}:{password}"));
    base64::engine::general_purpose::STANDARD.encode(pair.as_bytes())
}

/// A credential with its expiry and scopes.
#[derive(Debug, Clone)]
pub struct Issued {
    pub credential: Credential,
    /// When it expires, if that is known.
    pub expires_at: Option<Timestamp>,
    /// What it allows, if that is known.
    pub scopes: Option<ScopeSet>,
    /// The validated ID token that was issued with it.
    pub id_token: Option<IdToken>,
}

impl Issued {
    /// A credential without a known expiry.
    pub fn lasting(credential: Credential) -> Self {
        Self { credential, expires_at: None, scopes: None, id_token: None }
    }
}

/// How a token is sent with a request (RFC 6749 section 7.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum TokenType {
    #[default]
    Bearer,
    /// With a proof by a key.
    #[serde(rename = "DPoP")]
    Dpop,
    /// Not at all (`N_A`, RFC 8693 section 2.2.1).
    #[serde(rename = "N_A")]
    NotApplicable,
}

/// What a token endpoint granted (RFC 6749 section 5.1), already validated.
#[derive(Debug, Clone)]
pub struct TokenSet {
    pub access_token: AccessToken,
    pub token_type: TokenType,
    pub life: Life,
    pub refresh_token: Option<RefreshToken>,
    /// The ID token, not yet validated.
    pub id_token: Option<IdToken>,
    /// The granted scopes, if the response has them. If not, they are the requested ones (RFC 6749 section 5.1).
    pub scope: Option<ScopeSet>,
}

impl TokenSet {
    /// A bearer token without anything else.
    pub fn lasting(access_token: AccessToken, life: Life) -> Self {
        let token_type = TokenType::Bearer;
        Self { access_token, token_type, life, refresh_token: None, id_token: None, scope: None }
    }
}

/// A token's validity period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Life {
    /// By this machine's clock.
    pub obtained_at: Timestamp,
    /// By this machine's clock; `None` if the server did not say.
    pub expires_at: Option<Timestamp>,
}

/// A clock that is this far before the token was obtained has been set back, so the token's times mean nothing
/// (F-EXP4).
const CLOCK_SET_BACK: Duration = Duration::from_secs(300);

impl Life {
    /// Whether the token will still be valid after `early`, which counts as at most half of its lifetime (F-EXP4).
    pub fn is_fresh(&self, now: Timestamp, early: Duration) -> bool {
        let Some(expires_at) = self.expires_at else { return true };
        if now < self.obtained_at - CLOCK_SET_BACK {
            return false;
        }
        let lifetime = expires_at.duration_since(self.obtained_at);
        let spare =
            jiff::SignedDuration::try_from(early).unwrap_or(jiff::SignedDuration::MAX).min(lifetime / 2);
        expires_at.duration_since(now) > spare
    }

    /// Whether the token has not expired, to the second.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.is_fresh(now, Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_cannot_replace_the_method_with_one_that_gets_no_credential_f_srv2() {
        for (name, value, is_refused) in [
            ("X-HTTP-Method-Override", "TRACE", true),
            ("x-http-method-override", " trace ", true),
            ("X-HTTP-Method", "TRACK", true),
            ("X-Method-Override", "Connect", true),
            ("X_HTTP_Method_Override", "TRACE", true),
            ("X-HTTP-Method-Override", "PUT, TRACE", true),
            ("X-HTTP-Method-Override", "\"TRACE\"", true),
            ("X-HTTP-Method-Override", "DELETE", false),
            ("X-HTTP-Method-Override", "TRACER", false),
            ("X-Trace", "TRACE", false),
        ] {
            assert_eq!(method_override_refusal(name, value).is_some(), is_refused, "{name}: {value}");
        }
    }

    #[test]
    fn tokens_are_refreshed_early_and_clocks_are_not_trusted_f_exp4() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let hour = Life { obtained_at: at(10_000), expires_at: Some(at(13_600)) };
        let short = Life { obtained_at: at(10_000), expires_at: Some(at(10_040)) };
        let unknown = Life { obtained_at: at(10_000), expires_at: None };
        let minute = Duration::from_secs(60);
        for (name, life, now, early, fresh) in [
            ("new", hour, 10_000, minute, true),
            ("a minute and a second before the end", hour, 13_539, minute, true),
            ("a minute before the end", hour, 13_540, minute, false),
            ("ended", hour, 13_600, Duration::ZERO, false),
            ("short: before half of it", short, 10_019, minute, true),
            ("short: after half of it", short, 10_020, minute, false),
            ("no end known", unknown, 999_999_999, minute, true),
            ("clock a little back", hour, 9_900, minute, true),
            ("clock far back", hour, 9_000, minute, false),
        ] {
            assert_eq!(life.is_fresh(at(now), early), fresh, "{name}");
        }
    }

    #[test]
    fn basic_follows_rfc_7617() {
        assert_eq!(basic("Aladdin", "open sesame"), "QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }
}
