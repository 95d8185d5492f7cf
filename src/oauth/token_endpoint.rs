//! The token endpoint's requests and answers (RFC 6749 sections 3.2 and 5).

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

/// What messages call it.
const ENDPOINT: &str = "token endpoint";
/// A lifetime longer than this says nothing; it is cut to it (F-EXP2).
const LONGEST_LIFE: i64 = 10 * 366 * 86_400;

/// A token endpoint to which the secrets of one binding may be sent: it cannot be made for another origin.
#[derive(Debug, Clone)]
pub struct TokenEndpoint {
    url: EndpointUrl,
    client: Client,
    quirks: Quirks,
    transport: Transport,
}

/// What was asked for, as far as the answer must agree with it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// The request proved a key, so the token must be bound to it.
    pub dpop: bool,
    /// The request was a token exchange, which may issue what is no access token (RFC 8693 section 2.2.1).
    pub exchange: Option<Exchange<'a>>,
}

/// What a token exchange asked for.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// The `requested_token_type`.
    pub token_type: Option<&'a str>,
    /// The answer must say what it issued, as RFC 8693 section 2.2.1 says and other exchanges do not.
    pub must_say: bool,
}

/// The token endpoint is at another origin than the one that the stored secrets are bound to (F-BIND1, F-BIND5).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the token endpoint is at {found}, but what is stored is bound to {bound}; nothing was sent")]
pub struct WrongOrigin {
    /// Where the endpoint is.
    pub found: String,
    /// Where it must be.
    pub bound: String,
}

impl TokenEndpoint {
    /// The endpoint, if its origin is the binding's.
    ///
    /// # Errors
    /// [`WrongOrigin`].
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
    ///
    /// # Errors
    /// [`KeyError`], when the client's key signs nothing.
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

    /// Reads the answer to a request.
    ///
    /// # Errors
    /// [`EndpointError`]; no part of it holds a token.
    pub fn response(
        &self,
        response: &HttpResponse,
        asked: &Asked<'_>,
        now: Timestamp,
    ) -> Result<TokenSet, EndpointError> {
        read(response, asked, &self.quirks, now)
    }

    /// The URL.
    #[must_use]
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
        // RFC 9449 section 5: the token is not bound, and whoever finds it can use it.
        (true, TokenType::Bearer) if !quirks.unbound_tokens => Err(
            "it is a bearer token, though a key was shown for it to be bound to (DPoP); if this server cannot do that, set use_dpop = false and log in again"
                .to_owned(),
        ),
        (false, TokenType::Dpop) => Err("its token is bound to a key (DPoP), and none was shown".to_owned()),
        _ => Ok(found),
    }
}

/// RFC 8693 section 2.2.1: what was issued must be what was asked for.
fn check_issued_type(issued: Option<&Value>, exchange: &Exchange<'_>) -> Result<(), String> {
    match (issued.and_then(Value::as_str), exchange.token_type) {
        (None, _) if exchange.must_say => Err("it has no `issued_token_type`".to_owned()),
        (Some(issued), Some(wanted)) if issued != wanted => {
            Err(format!("it issued a token of the type {}, not {wanted}", Untrusted::new(issued)))
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
        move |error: crate::secret::InvalidToken| format!("its `{name}` is no token: {error}")
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

/// The scopes of an answer: text, or the array of strings that Twitch sends; RFC 6749 section 3.3 knows text alone.
fn granted(scope: Option<&Value>, quirks: &Quirks) -> Result<Option<ScopeSet>, String> {
    let text = match scope {
        None => return Ok(None),
        Some(Value::String(text)) if text.is_empty() => return Ok(None),
        Some(Value::String(text)) => text.replace(quirks.granted_scope_separator.as_str(), " "),
        Some(Value::Array(scopes)) => {
            let scopes: Option<Vec<&str>> = scopes.iter().map(Value::as_str).collect();
            scopes.ok_or("its `scope` is an array of more than strings")?.join(" ")
        }
        Some(_) => return Err("its `scope` is not a string".to_owned()),
    };
    Ok(Some(ScopeSet::lenient(&text)))
}

/// When a token ends whose answer had this `expires_in`. Numbers and digits in quotes are taken (PayPal and Entra send
/// the latter); zero and less are "already over"; ten years at the most; anything else is unknown (F-EXP1, F-EXP2).
fn expiry(expires_in: Option<&Value>, now: Timestamp) -> Option<Timestamp> {
    let seconds = match expires_in? {
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            // More digits than an integer has are many years all the same.
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
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> HttpResponse {
        HttpResponse {
            status,
            headers: vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())],
            body: body.as_bytes().to_vec().into(),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn outcome(status: u16, body: &str, quirks: &Quirks) -> String {
        match read(&response(status, body), &Asked::default(), quirks, at(1000)) {
            Ok(tokens) => format!(
                "{} {:?} {:?} {:?}",
                tokens.access_token.expose(),
                tokens.life.expires_at.map(|end| end.as_second() - 1000),
                tokens.refresh_token.as_ref().map(RefreshToken::expose),
                tokens.scope.map(|scope| scope.to_string()),
            ),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn token_responses_of_real_servers_are_read() {
        let long = "a".repeat(16 * 1024);
        let unusable = |reason: &str, size: usize| {
            format!(
                "the token endpoint's answer cannot be used: {reason} (status 200, `application/json`, {size} bytes)"
            )
        };
        for (name, status, body, want) in [
            ("whole", 200, r#"{"access_token":"a","token_type":"Bearer","expires_in":3600,"refresh_token":"r","scope":"x y","more":[1]}"#.to_owned(),
                r#"a Some(3600) Some("r") Some("x y")"#.to_owned()),
            ("lower case, no lifetime, O12 no scope", 200, r#"{"access_token":"a","token_type":"bearer"}"#.to_owned(), "a None None None".to_owned()),
            ("16 KiB", 200, format!(r#"{{"access_token":"{long}","token_type":"BEARER"}}"#), format!("{long} None None None")),
            ("scopes as an array", 200, r#"{"access_token":"a","token_type":"bearer","scope":["x","y"]}"#.to_owned(), r#"a None None Some("x y")"#.to_owned()),
            ("an array of something else", 200, r#"{"access_token":"a","token_type":"bearer","scope":[1]}"#.to_owned(), unusable("its `scope` is an array of more than strings", 54)),
            ("scopes as a number", 200, r#"{"access_token":"a","token_type":"bearer","scope":1}"#.to_owned(), unusable("its `scope` is not a string", 52)),
            ("null is nothing", 200, r#"{"access_token":"a","token_type":"bearer","refresh_token":null,"scope":null,"expires_in":null}"#.to_owned(), "a None None None".to_owned()),
            ("an empty refresh token is none", 200, r#"{"access_token":"a","token_type":"bearer","refresh_token":""}"#.to_owned(), "a None None None".to_owned()),
            ("no token", 200, r#"{"token_type":"bearer"}"#.to_owned(), unusable("it has no `access_token`", 23)),
            ("no type", 200, r#"{"access_token":"a"}"#.to_owned(), unusable("it has no `token_type`", 20)),
            ("token is a number", 200, r#"{"access_token":5,"token_type":"bearer"}"#.to_owned(), unusable("its `access_token` is not a string", 40)),
            ("unknown type", 200, r#"{"access_token":"a","token_type":"mac"}"#.to_owned(), unusable("its token type `mac` is not bearer", 39)),
            ("F-TT1 header in the type", 200, r#"{"access_token":"a","token_type":"Bearer\r\nX: y"}"#.to_owned(), unusable("its token type `Bearer\\u{d}\\u{a}X: y` is not bearer", 50)),
            ("F-TT1 type is a number", 200, r#"{"access_token":"a","token_type":1}"#.to_owned(), unusable("its `token_type` is not a string", 35)),
            ("DPoP unasked", 200, r#"{"access_token":"a","token_type":"DPoP"}"#.to_owned(), unusable("its token is bound to a key (DPoP), and none was shown", 40)),
            ("F-CTRL1 line feed in the token", 200, r#"{"access_token":"a\nhost=evil","token_type":"bearer"}"#.to_owned(),
                unusable("its `access_token` is no token: it has a character outside printable ASCII (RFC 6749, appendix A.12)", 53)),
            ("F-CTRL1 line feed in the refresh token", 200, r#"{"access_token":"a","token_type":"bearer","refresh_token":"a\nb"}"#.to_owned(),
                unusable("its `refresh_token` is no token: it has a character outside printable ASCII (RFC 6749, appendix A.12)", 65)),
            ("F-SIZE twice", 200, r#"{"access_token":"a","access_token":"b","token_type":"bearer"}"#.to_owned(),
                unusable("it is not a JSON object, nests too deep, or has a member twice", 61)),
            ("error", 400, r#"{"error":"invalid_grant","error_description":"gone\u001b"}"#.to_owned(), "the token endpoint answered `invalid_grant`: `gone\\u{1b}`".to_owned()),
            ("F-200ERR", 200, r#"{"error":"bad_verification_code"}"#.to_owned(), "the token endpoint answered `bad_verification_code`".to_owned()),
            ("Slack", 200, r#"{"ok":false,"error":"invalid_code"}"#.to_owned(), "the token endpoint answered `invalid_code`".to_owned()),
            ("F-429", 429, r#"{"error":"slow"}"#.to_owned(), "the token endpoint cannot answer now (status 429)".to_owned()),
            ("F-429 503", 503, String::new(), "the token endpoint cannot answer now (status 503)".to_owned()),
            ("F-429 500 with an error of its own", 500, r#"{"error":"server_error"}"#.to_owned(), "the token endpoint cannot answer now (status 500)".to_owned()),
            ("temporarily unavailable", 400, r#"{"error":"temporarily_unavailable"}"#.to_owned(), "the token endpoint cannot answer now (status 400)".to_owned()),
            ("empty 400", 400, String::new(), "the token endpoint's answer cannot be used: it is an error without an error code (status 400, `application/json`, 0 bytes)".to_owned()),
            ("F-REDIR", 307, String::new(), "the token endpoint redirects to `another address`; a request with credentials is never redirected".to_owned()),
        ] {
            assert_eq!(outcome(status, &body, &Quirks::default()), want, "{name}");
        }
    }

    #[test]
    fn token_lifetimes_are_parsed_f_exp1_f_exp2() {
        for (text, want) in [
            ("3600", "Some(3600)"),
            ("\"3600\"", "Some(3600)"),
            ("3600.0", "Some(3600)"),
            ("1e3", "Some(1000)"),
            ("3600.5", "None"),
            ("0", "Some(0)"),
            ("-1", "Some(0)"),
            ("-9223372036854775808", "Some(0)"),
            ("2147483648", "Some(316224000)"),
            ("9223372036854775807", "Some(316224000)"),
            ("18446744073709551615", "Some(316224000)"),
            ("18446744073709551616", "Some(316224000)"),
            ("1e300", "Some(316224000)"),
            ("\"99999999999999999999999999999999999999\"", "Some(316224000)"),
            ("\"NaN\"", "None"),
            ("\"Infinity\"", "None"),
            ("\"\"", "None"),
            ("\"-5\"", "None"),
            ("true", "None"),
            ("{}", "None"),
        ] {
            let body = format!(r#"{{"access_token":"a","token_type":"bearer","expires_in":{text}}}"#);
            assert_eq!(outcome(200, &body, &Quirks::default()), format!("a {want} None None"), "{text}");
        }
    }

    #[test]
    fn quirks_of_real_servers() {
        let slack = Quirks {
            token_member: Some("authed_user".to_owned()),
            granted_scope_separator: ",".to_owned(),
            ..Quirks::default()
        };
        let body = r#"{"ok":true,"authed_user":{"access_token":"xoxp","token_type":"user","scope":"chat:write,users:read"}}"#;
        assert_eq!(outcome(200, body, &slack), r#"xoxp None None Some("chat:write users:read")"#);
        let lax = Quirks { missing_token_type: true, ..Quirks::default() };
        assert_eq!(outcome(200, r#"{"access_token":"a"}"#, &lax), "a None None None");
    }

    #[test]
    fn a_token_of_another_type_is_rejected() {
        let jwt = "urn:ietf:params:oauth:token-type:jwt";
        let dpop = Asked { dpop: true, ..Asked::default() };
        let exchange = |token_type, must_say| Asked {
            exchange: Some(Exchange { token_type, must_say }),
            ..Asked::default()
        };
        let lax = Quirks { unbound_tokens: true, ..Quirks::default() };
        let standard = Quirks::default();
        for (name, asked, quirks, kind, issued, want) in [
            ("bound", dpop, &standard, "dpop", None, Ok(TokenType::Dpop)),
            ("downgraded", dpop, &standard, "Bearer", None, Err("it is a bearer token")),
            ("allowed", dpop, &lax, "Bearer", None, Ok(TokenType::Bearer)),
            ("unasked", Asked::default(), &lax, "DPoP", None, Err("none was shown")),
            ("N_A unasked", Asked::default(), &standard, "N_A", None, Err("is not bearer")),
            ("X2", exchange(None, true), &standard, "N_A", Some(jwt), Ok(TokenType::NotApplicable)),
            (
                "an access token",
                exchange(Some(jwt), true),
                &standard,
                "Bearer",
                Some(jwt),
                Ok(TokenType::Bearer),
            ),
            ("not said", exchange(None, true), &standard, "Bearer", None, Err("no `issued_token_type`")),
            (
                "not said where it need not be",
                exchange(Some(jwt), false),
                &standard,
                "Bearer",
                None,
                Ok(TokenType::Bearer),
            ),
            ("another", exchange(Some("urn:x"), true), &standard, "Bearer", Some(jwt), Err("not urn:x")),
        ] {
            let mut body = serde_json::json!({ "access_token": "a", "token_type": kind });
            if let Some(issued) = issued {
                body["issued_token_type"] = issued.into();
            }
            match (read(&response(200, &body.to_string()), &asked, quirks, at(0)), want) {
                (Ok(tokens), want) => assert_eq!(Ok(tokens.token_type), want, "{name}"),
                (Err(error), Err(want)) => assert!(error.to_string().contains(want), "{name}: {error}"),
                (Err(error), Ok(_)) => panic!("{name}: {error}"),
            }
        }
    }

    /// F-BIND5: metadata may move the endpoint within its origin, and no further.
    #[test]
    fn the_endpoint_must_match_the_binding_f_bind1() {
        let authentication = crate::oauth::client::Authentication::None;
        let client = Client { id: "app".to_owned(), authentication };
        let binding = Binding::default().with(Binding::TOKEN_ENDPOINT, "https://as.example");
        for (url, fits) in [
            ("https://as.example/token", true),
            ("https://as.example:443/other", true),
            ("https://as.example:8443/token", false),
            ("https://evil.example/token", false),
        ] {
            let url = EndpointUrl::configured(url).unwrap();
            let made = TokenEndpoint::new(
                url.clone(),
                &binding,
                client.clone(),
                Quirks::default(),
                Transport::default(),
            );
            assert_eq!(made.is_ok(), fits, "{url}");
        }
    }
}
