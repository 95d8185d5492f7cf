//! The token endpoint's requests and answers (RFC 6749 sections 3.2 and 5).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::client::Client;
use super::endpoint::EndpointUrl;
use super::form::{FORM, Form, JSON};
use super::json;
use super::quirks::Quirks;
use crate::binding::Binding;
use crate::foreign::Foreign;
use crate::name::ScopeSet;
use crate::ports::{HttpRequest, HttpResponse, Method, Transport};
use crate::secret::{AccessToken, IdToken, RefreshToken, SecretText};
use crate::token::{Life, TokenSet};

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
    #[must_use]
    pub fn request(&self, grant_type: &str, mut form: Form) -> HttpRequest {
        form.set("grant_type", grant_type);
        let mut request = self.url.request(Method::Post, &self.transport);
        request.headers.push(("accept", SecretText::new(self.quirks.accept.as_str())));
        self.client.authenticate(&mut form, &mut request.headers);
        request.body =
            Some(if self.quirks.json_requests { (JSON, form.json()) } else { (FORM, form.encoded()) });
        request
    }

    /// Reads the answer to a request.
    ///
    /// # Errors
    /// [`TokenError`]; no part of it holds a token.
    pub fn response(&self, response: &HttpResponse, now: Timestamp) -> Result<TokenSet, TokenError> {
        read(response, &self.quirks, now)
    }

    /// The host, for messages.
    #[must_use]
    pub fn authority(&self) -> String {
        self.url.authority()
    }
}

/// Why a token endpoint's answer holds no tokens that may be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The server said no (RFC 6749 section 5.2).
    #[error("the token endpoint answered {error}{}", description.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    Refused {
        /// The error code, to act on.
        code: String,
        /// The error code, to show.
        error: Foreign,
        /// The description.
        description: Option<Foreign>,
    },
    /// The server said "later": 429, or an error of its own.
    #[error("the token endpoint cannot answer now (status {status}){}", retry_after.map(|wait| format!("; it asks to wait {} seconds", wait.as_secs())).unwrap_or_default())]
    TryLater {
        /// The status.
        status: u16,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// The server pointed elsewhere, where a request with credentials never goes (F-REDIR).
    #[error("the token endpoint redirects to {target}; a request with credentials is never redirected")]
    Redirected {
        /// The other host.
        target: Foreign,
    },
    /// The answer is none that RFC 6749 section 5 knows. The body is not part of the text: it may hold tokens.
    #[error(
        "the token endpoint's answer cannot be used: {reason} (status {status}, {media_type}, {size} bytes)"
    )]
    Unusable {
        /// What is wrong.
        reason: String,
        /// The status.
        status: u16,
        /// The content type.
        media_type: Foreign,
        /// The size of the body.
        size: usize,
    },
}

impl TokenError {
    /// Whether the server named this error code.
    #[must_use]
    pub fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == wanted)
    }
}

/// The wait that a `Retry-After` header in seconds asks for (RFC 9110 section 10.2.3).
#[must_use]
pub fn retry_after(response: &HttpResponse) -> Option<Duration> {
    response.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
}

/// Where a redirecting answer points, by host alone: its path and query may hold secrets.
#[must_use]
pub fn redirect_target(response: &HttpResponse) -> Foreign {
    let location = response.header("location").unwrap_or_default();
    let host = url::Url::parse(location).ok().map(|url| super::endpoint::authority(&url));
    Foreign::new(host.unwrap_or_else(|| "another address".to_owned()))
}

fn read(response: &HttpResponse, quirks: &Quirks, now: Timestamp) -> Result<TokenSet, TokenError> {
    let unusable = |reason: &str| TokenError::Unusable {
        reason: reason.to_owned(),
        status: response.status,
        media_type: Foreign::new(response.media_type()),
        size: response.body.len(),
    };
    if (300..400).contains(&response.status) {
        return Err(TokenError::Redirected { target: redirect_target(response) });
    }
    let object = json::object(&response.body);
    // An error may come with any status: GitHub and Slack send it with 200 (F-200ERR).
    if let Some(refused) = object.as_ref().ok().and_then(refusal)
        && (response.status < 500 || refused.is("invalid_grant"))
        && response.status != 429
        && !refused.is("temporarily_unavailable")
    {
        return Err(refused);
    }
    if response.status == 429 || response.status >= 500 || object.as_ref().ok().and_then(refusal).is_some() {
        return Err(TokenError::TryLater { status: response.status, retry_after: retry_after(response) });
    }
    if response.status != 200 {
        return Err(unusable("it is an error without an error code"));
    }
    let object = object.map_err(|error| unusable(&error.to_string()))?;
    let nested;
    let holder = match &quirks.token_member {
        Some(member) if !object.contains_key("access_token") || object.get(member).is_some() => {
            nested = object.get(member).and_then(Value::as_object).cloned();
            nested.as_ref().ok_or_else(|| unusable(&format!("it has no object `{member}`")))?
        }
        _ => &object,
    };
    tokens(holder, &object, quirks, now).map_err(|reason| unusable(&reason))
}

fn refusal(object: &Map<String, Value>) -> Option<TokenError> {
    let error = match object.get("error") {
        Some(Value::String(error)) if !error.is_empty() => error.clone(),
        Some(Value::Object(error)) => {
            error.get("code").or(error.get("message")).and_then(Value::as_str)?.to_owned()
        }
        _ => return None,
    };
    let description = object.get("error_description").and_then(Value::as_str).filter(|text| !text.is_empty());
    Some(TokenError::Refused {
        error: Foreign::new(error.as_str()),
        code: error,
        description: description.map(Foreign::new),
    })
}

fn tokens(
    holder: &Map<String, Value>,
    object: &Map<String, Value>,
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
    // RFC 6749 section 7.1: "The client MUST NOT use an access token if it does not understand the token type."
    match member("token_type").or_else(|| object.get("token_type")) {
        Some(Value::String(kind)) if kind.eq_ignore_ascii_case("bearer") => {}
        Some(Value::String(_)) if quirks.token_member.is_some() => {}
        Some(Value::String(kind)) => {
            return Err(format!("its token type {} is not bearer", Foreign::new(kind.as_str())));
        }
        None | Some(Value::Null) if quirks.missing_token_type => {}
        None | Some(Value::Null) => return Err("it has no `token_type`".to_owned()),
        Some(_) => return Err("its `token_type` is not a string".to_owned()),
    }
    let refresh_token =
        token("refresh_token")?.map(RefreshToken::parse).transpose().map_err(invalid("refresh_token"))?;
    let id_token = token("id_token")?.map(IdToken::parse).transpose().map_err(invalid("id_token"))?;
    let scope = token("scope")?
        .map(|text| ScopeSet::lenient(&text.replace(quirks.granted_scope_separator.as_str(), " ")));
    let life = Life { obtained_at: now, expires_at: expiry(member("expires_in"), now) };
    Ok(TokenSet { access_token, life, refresh_token, id_token, scope })
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
        match read(&response(status, body), quirks, at(1000)) {
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
    fn o8_o9_o10_o11_o12_o13_answers_as_servers_send_them() {
        let long = "a".repeat(16 * 1024);
        let unusable = |reason: &str, size: usize| {
            format!(
                "the token endpoint's answer cannot be used: {reason} (status 200, `application/json`, {size} bytes)"
            )
        };
        for (name, status, body, want) in [
            ("whole", 200, r#"{"access_token":"a","token_type":"Bearer","expires_in":3600,"refresh_token":"r","scope":"x y","more":[1]}"#.to_owned(),
                r#"a Some(3600) Some("r") Some("x y")"#.to_owned()),
            ("O9 lower case, O11 no lifetime, O12 no scope", 200, r#"{"access_token":"a","token_type":"bearer"}"#.to_owned(), "a None None None".to_owned()),
            ("O10 16 KiB", 200, format!(r#"{{"access_token":"{long}","token_type":"BEARER"}}"#), format!("{long} None None None")),
            ("null is nothing", 200, r#"{"access_token":"a","token_type":"bearer","refresh_token":null,"scope":null,"expires_in":null}"#.to_owned(), "a None None None".to_owned()),
            ("an empty refresh token is none", 200, r#"{"access_token":"a","token_type":"bearer","refresh_token":""}"#.to_owned(), "a None None None".to_owned()),
            ("O8 no token", 200, r#"{"token_type":"bearer"}"#.to_owned(), unusable("it has no `access_token`", 23)),
            ("O8 no type", 200, r#"{"access_token":"a"}"#.to_owned(), unusable("it has no `token_type`", 20)),
            ("O8 token is a number", 200, r#"{"access_token":5,"token_type":"bearer"}"#.to_owned(), unusable("its `access_token` is not a string", 40)),
            ("O9 unknown type", 200, r#"{"access_token":"a","token_type":"mac"}"#.to_owned(), unusable("its token type `mac` is not bearer", 39)),
            ("F-TT1 header in the type", 200, r#"{"access_token":"a","token_type":"Bearer\r\nX: y"}"#.to_owned(), unusable("its token type `Bearer\\u{d}\\u{a}X: y` is not bearer", 50)),
            ("F-TT1 type is a number", 200, r#"{"access_token":"a","token_type":1}"#.to_owned(), unusable("its `token_type` is not a string", 35)),
            ("O9 DPoP unasked", 200, r#"{"access_token":"a","token_type":"DPoP"}"#.to_owned(), unusable("its token type `DPoP` is not bearer", 40)),
            ("F-CTRL1 line feed in the token", 200, r#"{"access_token":"a\nhost=evil","token_type":"bearer"}"#.to_owned(),
                unusable("its `access_token` is no token: it has a character outside printable ASCII (RFC 6749, appendix A.12)", 53)),
            ("F-CTRL1 line feed in the refresh token", 200, r#"{"access_token":"a","token_type":"bearer","refresh_token":"a\nb"}"#.to_owned(),
                unusable("its `refresh_token` is no token: it has a character outside printable ASCII (RFC 6749, appendix A.12)", 65)),
            ("F-SIZE twice", 200, r#"{"access_token":"a","access_token":"b","token_type":"bearer"}"#.to_owned(),
                unusable("it is not a JSON object, nests too deep, or has a member twice", 61)),
            ("O13 error", 400, r#"{"error":"invalid_grant","error_description":"gone\u001b"}"#.to_owned(), "the token endpoint answered `invalid_grant`: `gone\\u{1b}`".to_owned()),
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
    fn f_exp1_f_exp2_lifetimes() {
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
    fn f_bind1_the_endpoint_must_be_the_bindings() {
        let client = Client {
            id: "app".to_owned(),
            secret: None,
            method: super::super::client::AuthenticationMethod::None,
            plain_basic: false,
        };
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
