//! The token endpoint's requests and responses (RFC 6749 sections 3.2 and 5).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::answer::{self, EndpointError};
use super::client::Client;
use super::endpoint::EndpointUrl;
use super::form::{FORM, Form, JSON};
use super::quirks::Quirks;
use super::signing_key::KeyError;
use crate::binding::Binding;
use crate::name::ScopeSet;
use crate::ports::{HttpRequest, HttpResponse, Method, Moment, Transport};
use crate::secret::{AccessToken, IdToken, RefreshToken, SecretText};
use crate::text::untrusted::Untrusted;
use crate::token::{Life, TokenSet, TokenType};

const ENDPOINT: &str = "token endpoint";
/// A longer lifetime is not believable and is cut to this (F-EXP2).
const LONGEST_LIFE: i64 = 10 * 366 * 86_400;

/// A token endpoint that one binding's secrets may be sent to: it cannot be made for another origin.
#[derive(Debug, Clone)]
pub struct TokenEndpoint {
    url: EndpointUrl,
    client: Client,
    quirks: Quirks,
    transport: Transport,
}

/// The parts of the request that the response must match.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// The request proved a key, so the token must be bound to it.
    pub dpop: bool,
    /// The request was a token exchange, which may issue something other than an access token (RFC 8693 section 2.2.1).
    pub exchange: Option<Exchange<'a>>,
}

#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    pub token_type: Option<&'a str>,
    /// The response must say what it issued: RFC 8693 section 2.2.1 requires that, other exchanges do not.
    pub must_say: bool,
}

/// The token endpoint is at another origin than the one that the stored secrets are bound to (F-BIND1, F-BIND5).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the token endpoint is at {found}, but the stored secrets are bound to {bound}; nothing was sent")]
pub struct WrongOrigin {
    pub found: String,
    pub bound: String,
}

impl TokenEndpoint {
    pub fn new(
        url: EndpointUrl,
        binding: &Binding,
        client: Client,
        quirks: Quirks,
        transport: Transport,
    ) -> Result<Self, WrongOrigin> {
        let bound = binding.get(Binding::TOKEN_ENDPOINT).unwrap_or_default();
        if url.origin() == bound {
            Ok(Self { url, client, quirks, transport })
        } else {
            Err(WrongOrigin { found: url.origin(), bound: bound.to_owned() })
        }
    }

    /// The request for a grant: a POST whose body carries the grant's parameters and the client's authentication (RFC
    /// 6749 section 3.2).
    pub fn request(
        &self,
        grant_type: &str,
        form: &Form,
        moment: &Moment<'_>,
    ) -> Result<HttpRequest, KeyError> {
        let mut form = form.clone();
        form.set("grant_type", grant_type);
        let mut request = self.url.request(Method::Post, &self.transport);
        request.headers.push(("accept", SecretText::new(self.quirks.accept.as_str())));
        self.client.authenticate(&mut form, &mut request.headers, moment)?;
        request.body =
            Some(if self.quirks.json_requests { (JSON, form.json()) } else { (FORM, form.encoded()) });
        Ok(request)
    }

    /// Reads the response to a request. Errors never contain a token.
    pub fn response(
        &self,
        response: &HttpResponse,
        asked: &Asked<'_>,
        now: Timestamp,
    ) -> Result<TokenSet, EndpointError> {
        read(response, asked, &self.quirks, now)
    }

    pub fn url(&self) -> &url::Url {
        self.url.url()
    }
}

fn read(
    response: &HttpResponse,
    asked: &Asked<'_>,
    quirks: &Quirks,
    now: Timestamp,
) -> Result<TokenSet, EndpointError> {
    let object = answer::object(ENDPOINT, response)?;
    let unusable = |reason: &str| answer::unusable(ENDPOINT, response, reason);
    let nested;
    let holder = match &quirks.token_member {
        Some(member) if !object.contains_key("access_token") || object.get(member).is_some() => {
            nested = object.get(member).and_then(Value::as_object).cloned();
            nested.as_ref().ok_or_else(|| unusable(&format!("it has no object `{member}`")))?
        }
        _ => &object,
    };
    tokens(holder, &object, asked, quirks, now).map_err(|reason| unusable(&reason))
}

/// RFC 6749 section 7.1: "The client MUST NOT use an access token if it does not understand the token type."
fn token_type(written: Option<&Value>, asked: &Asked<'_>, quirks: &Quirks) -> Result<TokenType, String> {
    let found = match written {
        Some(Value::String(kind)) if kind.eq_ignore_ascii_case("bearer") => TokenType::Bearer,
        Some(Value::String(kind)) if kind.eq_ignore_ascii_case("dpop") => TokenType::Dpop,
        Some(Value::String(kind)) if kind.eq_ignore_ascii_case("n_a") && asked.exchange.is_some() => {
            return Ok(TokenType::NotApplicable);
        }
        Some(Value::String(_)) if quirks.token_member.is_some() => TokenType::Bearer,
        Some(Value::String(kind)) => {
            return Err(format!("its token type {} is not bearer", Untrusted::new(kind.as_str())));
        }
        None | Some(Value::Null) if quirks.missing_token_type => TokenType::Bearer,
        None | Some(Value::Null) => return Err("it has no `token_type`".to_owned()),
        Some(_) => return Err("its `token_type` is not a string".to_owned()),
    };
    match (asked.dpop, found) {
        // RFC 9449 section 5: the token is not bound, and anyone who finds it can use it.
        (true, TokenType::Bearer) if !quirks.unbound_tokens => Err(
            "it is a bearer token, although the request had a DPoP key to bind it to; if this server does not support DPoP, set use_dpop = false and log in again"
                .to_owned(),
        ),
        (false, TokenType::Dpop) => Err("its token is bound to a DPoP key, but the request had none".to_owned()),
        _ => Ok(found),
    }
}

/// RFC 8693 section 2.2.1: the issued token must be of the requested type.
fn check_issued_type(issued: Option<&Value>, exchange: &Exchange<'_>) -> Result<(), String> {
    match (issued.and_then(Value::as_str), exchange.token_type) {
        (None, _) if exchange.must_say => Err("it has no `issued_token_type`".to_owned()),
        (Some(issued), Some(wanted)) if issued != wanted => {
            Err(format!("it issued a token of type {}, not {wanted}", Untrusted::new(issued)))
        }
        _ => Ok(()),
    }
}

fn tokens(
    holder: &Map<String, Value>,
    object: &Map<String, Value>,
    asked: &Asked<'_>,
    quirks: &Quirks,
    now: Timestamp,
) -> Result<TokenSet, String> {
    let member = |name: &str| holder.get(name).filter(|value| !value.is_null());
    let token = |name: &str| match member(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("its `{name}` is not a string")),
    };
    let invalid = |name: &'static str| {
        move |error: crate::secret::InvalidToken| format!("its `{name}` is not a valid token: {error}")
    };
    let access_token = token("access_token")?.ok_or("it has no `access_token`")?;
    let access_token = AccessToken::parse(access_token).map_err(invalid("access_token"))?;
    let token_type = token_type(member("token_type").or_else(|| object.get("token_type")), asked, quirks)?;
    if let Some(exchange) = &asked.exchange {
        check_issued_type(member("issued_token_type"), exchange)?;
    }
    let refresh_token =
        token("refresh_token")?.map(RefreshToken::parse).transpose().map_err(invalid("refresh_token"))?;
    let id_token = token("id_token")?.map(IdToken::parse).transpose().map_err(invalid("id_token"))?;
    let scope = granted(member("scope"), quirks)?;
    let life = Life { obtained_at: now, expires_at: expiry(member("expires_in"), now) };
    Ok(TokenSet { access_token, token_type, life, refresh_token, id_token, scope })
}

/// The granted scopes: a string or, from Twitch, an array of strings. RFC 6749 section 3.3 allows only a string.
fn granted(scope: Option<&Value>, quirks: &Quirks) -> Result<Option<ScopeSet>, String> {
    let text = match scope {
        None => return Ok(None),
        Some(Value::String(text)) if text.is_empty() => return Ok(None),
        Some(Value::String(text)) => text.replace(quirks.granted_scope_separator.as_str(), " "),
        Some(Value::Array(scopes)) => {
            let scopes: Option<Vec<&str>> = scopes.iter().map(Value::as_str).collect();
            scopes.ok_or("its `scope` is an array that contains something other than strings")?.join(" ")
        }
        Some(_) => return Err("its `scope` is not a string".to_owned()),
    };
    Ok(Some(ScopeSet::lenient(&text)))
}

/// When a token with this `expires_in` expires. Numbers and quoted digits are accepted (PayPal and Entra send the
/// latter); zero and negative numbers mean "already expired"; ten years is the maximum; anything else is unknown
/// (F-EXP1, F-EXP2).
fn expiry(expires_in: Option<&Value>, now: Timestamp) -> Option<Timestamp> {
    let seconds = match expires_in? {
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            // More digits than fit an integer still mean many years.
            Some(text.parse().unwrap_or(LONGEST_LIFE))
        }
        _ => None,
    }?;
    let seconds = seconds.clamp(0, LONGEST_LIFE);
    now.checked_add(SignedDuration::from_secs(seconds)).ok()
}

fn whole(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "it was clamped to the range of ten years")]
    (number.is_finite() && number.fract() == 0.0).then(|| number.clamp(-1.0, LONGEST_LIFE as f64) as i64)
}

#[cfg(test)]
mod tests;
