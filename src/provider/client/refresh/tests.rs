use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::*;
use crate::oauth::client::{Authentication, Client};
use crate::oauth::endpoint::EndpointUrl;
use crate::oauth::id_token::AcceptedIssuer;
use crate::ports::{CertificateFlaw, HttpError, PartialAnswer, Transport};

fn endpoint(quirks: &Quirks) -> TokenEndpoint {
    let url = EndpointUrl::configured("https://as.example/token").unwrap();
    let binding = Binding::default().with(Binding::TOKEN_ENDPOINT, "https://as.example");
    let client = Client { id: "app".to_owned(), authentication: Authentication::None };
    TokenEndpoint::new(url, &binding, client, quirks.clone(), Transport::default()).unwrap()
}

fn outcome(answer: Result<HttpResponse, ProviderError>, quirks: &Quirks, dpop: bool) -> String {
    let original = json!({ "iss": "https://as.example", "sub": "alice" });
    let original = Claims::known(original.as_object().unwrap().clone());
    let issuer = AcceptedIssuer { issuer: "https://as.example", other: None, tenant: false };
    let owner = Owner { issuer, original: Some(&original), subject: Some("alice") };
    let (endpoint, asked) = (endpoint(quirks), Asked { dpop, exchange: None });
    let read = |response: &HttpResponse| endpoint.response(response, &asked, jiff::Timestamp::UNIX_EPOCH);
    match classify(answer, read, quirks, Some(&owner)) {
        RefreshOutcome::NotSent(_) => "not sent".to_owned(),
        RefreshOutcome::Tokens(tokens) => {
            format!("tokens {}", tokens.refresh_token.as_ref().map_or("-", |token| token.expose()))
        }
        RefreshOutcome::RefreshTokenOnly(token, _) => format!("only {}", token.expose()),
        RefreshOutcome::Refused(_) => "refused".to_owned(),
        RefreshOutcome::Unknown(_) => "unknown".to_owned(),
    }
}

fn response(status: u16, body: impl Into<Vec<u8>>) -> HttpResponse {
    HttpResponse { status, headers: Vec::new(), body: body.into().into() }
}

/// A whole answer with one member changed; `null` leaves it out.
fn with(member: &str, value: serde_json::Value) -> Vec<u8> {
    let mut answer = json!({ "access_token": "A", "token_type": "Bearer", "refresh_token": "R" });
    answer[member] = value;
    answer.to_string().into_bytes()
}

fn id_token(claims: &serde_json::Value) -> serde_json::Value {
    let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", encode(&json!({ "alg": "ES256" })), encode(claims)).into()
}

type Rows = Vec<(&'static str, u16, Vec<u8>)>;

fn tokens() -> Vec<u8> {
    with("x", 1.into())
}

/// Answers whose refresh token can be read, although the answer as a whole is unusable.
fn damaged() -> Rows {
    let cut = tokens()[..tokens().len() - 4].to_vec();
    vec![
        ("no token type", 200, with("token_type", json!(null))),
        ("an unknown token type", 200, with("token_type", json!("mac"))),
        ("a token type that is a list", 200, with("token_type", json!(["Bearer"]))),
        ("DPoP unasked", 200, with("token_type", json!("DPoP"))),
        ("no access token", 200, with("access_token", json!(null))),
        ("an empty access token", 200, with("access_token", json!(""))),
        ("an access token with a line feed", 200, with("access_token", json!("a\nb"))),
        ("an access token that is a number", 200, with("access_token", json!(1))),
        ("scopes that are a number", 200, with("scope", json!(1))),
        ("scopes with a number", 200, with("scope", json!([1]))),
        ("an ID token that is a list", 200, with("id_token", json!([]))),
        ("an ID token that is not ASCII", 200, with("id_token", json!("é"))),
        ("an error beside the tokens", 200, with("error", json!("x"))),
        ("a refusal beside the tokens", 400, with("error", json!("invalid_grant"))),
        ("a failing status", 500, tokens()),
        ("too many requests", 429, tokens()),
        ("a redirect with tokens", 302, tokens()),
        ("a partial answer", 206, tokens()),
        ("cut off behind the refresh token", 200, cut),
        ("text behind it", 200, [tokens().as_slice(), b"<!-- -->"].concat()),
        ("a member twice", 200, [b"{\"x\":1,\"x\":1,", &tokens()[1..]].concat()),
        ("form-encoded", 200, b"access_token=A&token_type=bearer&refresh_token=R".to_vec()),
    ]
}

/// Answers with a refresh token that must not be saved.
fn untrustworthy() -> Rows {
    vec![
        ("another user", 200, with("id_token", id_token(&json!({ "sub": "mallory" })))),
        ("another issuer", 200, with("id_token", id_token(&json!({ "iss": "https://x.example" })))),
        ("two refresh tokens", 200, [b"{\"refresh_token\":\"S\",", &tokens()[1..]].concat()),
        ("a refresh token that is a number", 200, with("refresh_token", json!(7))),
        ("a refresh token with a line feed", 200, with("refresh_token", json!("a\nb"))),
    ]
}

/// Answers without tokens, after which the server may or may not have rotated the refresh token.
const UNCLEAR: &[(&str, u16, &[u8])] = &[
    ("nothing", 200, b""),
    ("no content", 204, b""),
    ("HTML", 200, b"<html>"),
    ("an empty object", 200, b"{}"),
    ("an array", 200, b"[]"),
    ("a redirect", 307, b""),
    ("bad gateway", 502, b"<html>"),
    ("service unavailable", 503, b""),
    ("rate limited", 429, br#"{"error":"slow_down"}"#),
    ("try later in words", 400, br#"{"error":"temporarily_unavailable"}"#),
    ("a client error without a code", 400, br#"{"message":"x"}"#),
    ("a client error without a body", 400, b""),
    ("a server error of its own", 400, br#"{"error":"server_error"}"#),
    ("a gateway's words", 404, br#"{"error":"Not Found"}"#),
    ("a gateway's time-out", 408, br#"{"error":"invalid_grant"}"#),
    ("a refusal with a failing status", 500, br#"{"error":"invalid_grant"}"#),
];

/// Answers that reject the refresh token.
const REFUSED: &[(&str, u16, &[u8])] = &[
    ("refused", 400, br#"{"error":"invalid_grant"}"#),
    ("refused with a status of its own", 401, br#"{"error":"invalid_client"}"#),
    ("refused with status 200", 200, br#"{"error":"bad_refresh_token"}"#),
    ("refused, naming the field", 400, br#"{"error":"invalid_request","refresh_token":"malformed"}"#),
];

/// F-ROT10
#[test]
fn what_an_answer_to_a_refresh_means_for_the_login() {
    let standard = Quirks::default();
    let owned = |rows: &[(&'static str, u16, &[u8])]| -> Rows {
        rows.iter().map(|&(name, status, body)| (name, status, body.to_vec())).collect()
    };
    for (rows, want) in [
        (damaged(), "only R"),
        (untrustworthy(), "unknown"),
        (owned(UNCLEAR), "unknown"),
        (owned(REFUSED), "refused"),
    ] {
        for (name, status, body) in rows {
            assert_eq!(outcome(Ok(response(status, body)), &standard, false), want, "{name}");
        }
    }
    assert_eq!(outcome(Ok(response(200, tokens())), &standard, true), "only R", "not bound to the key");
}

#[test]
fn a_usable_answer_to_a_refresh_gives_tokens() {
    let standard = Quirks::default();
    let lax = Quirks { missing_token_type: true, ..Quirks::default() };
    let slack = Quirks { token_member: Some("authed_user".to_owned()), ..Quirks::default() };
    let nested = br#"{"ok":true,"authed_user":{"access_token":"A","token_type":"user","refresh_token":"R"}}"#;
    let same_user = id_token(&json!({ "iss": "https://as.example", "sub": "alice" }));
    for (name, status, body, quirks, want) in [
        ("whole", 200, tokens(), &standard, "tokens R"),
        ("created", 201, tokens(), &standard, "tokens R"),
        ("not rotated", 200, with("refresh_token", json!(null)), &standard, "tokens -"),
        ("a byte order mark", 200, [b"\xef\xbb\xbf", tokens().as_slice()].concat(), &standard, "tokens R"),
        ("the same user", 200, with("id_token", same_user), &standard, "tokens R"),
        ("an ID token that cannot be read", 200, with("id_token", json!("x.y.z")), &standard, "tokens R"),
        ("an ID token without subject", 200, with("id_token", id_token(&json!({}))), &standard, "tokens R"),
        ("a lifetime of another type", 200, with("expires_in", json!({})), &standard, "tokens R"),
        ("no token type, allowed", 200, with("token_type", json!(null)), &lax, "tokens R"),
        ("nested, as the quirk says", 200, nested.to_vec(), &slack, "tokens R"),
    ] {
        assert_eq!(outcome(Ok(response(status, body)), quirks, false), want, "{name}");
    }
}

/// F-ROT10
#[test]
fn what_a_failed_refresh_means_for_the_login() {
    let standard = Quirks::default();
    let host = || "as.example".to_owned();
    let lost = |body: Option<&[u8]>| HttpError::AnswerLost {
        host: host(),
        reason: String::new(),
        partial: body.map(|body| Box::new(PartialAnswer(response(200, body)))),
    };
    for (name, error, want) in [
        ("connection refused", HttpError::NotSent { host: host(), reason: String::new() }, "not sent"),
        (
            "certificate",
            HttpError::Untrusted { host: host(), flaw: CertificateFlaw::Other, reason: String::new() },
            "not sent",
        ),
        ("private address", HttpError::NotPublic { host: host() }, "not sent"),
        ("bad proxy", HttpError::Setup(String::new()), "not sent"),
        ("connection lost", lost(None), "unknown"),
        (
            "lost behind the refresh token",
            lost(Some(br#"{"access_token":"A","refresh_token":"R","#)),
            "only R",
        ),
        (
            "lost inside the refresh token",
            lost(Some(br#"{"access_token":"A","refresh_token":"R"#)),
            "unknown",
        ),
        ("a form that is cut off", lost(Some(b"access_token=A&refresh_token=R")), "unknown"),
        ("too large", HttpError::TooLarge { host: host(), limit: 1, partial: None }, "unknown"),
    ] {
        assert_eq!(outcome(Err(error.into()), &standard, false), want, "{name}");
    }
    assert_eq!(outcome(Err(ProviderError::NothingPiped), &standard, false), "not sent", "before it");
}
