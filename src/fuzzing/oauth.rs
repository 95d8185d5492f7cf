//! Input from authorization servers and browsers.

use jiff::Timestamp;
use jsonwebtoken::Algorithm;
use url::Url;

use super::harmless::assert_harmless;
use crate::binding::Binding;
use crate::loopback::request::parse_head;
use crate::oauth::authorization::Expected;
use crate::oauth::client::{Authentication, Client};
use crate::oauth::endpoint::{EndpointUrl, Issuer};
use crate::oauth::id_token::{self, Claims, check_refreshed, stored_claims};
use crate::oauth::jose::KeySet;
use crate::oauth::metadata::{ENDPOINTS, Metadata};
use crate::oauth::quirks::Quirks;
use crate::oauth::redirect::{Expectation as _, RedirectVerdict};
use crate::oauth::resource_metadata::ResourceMetadata;
use crate::oauth::token_endpoint::{Asked, Exchange, TokenEndpoint};
use crate::oauth::{
    challenge, ciba, device, introspection, par, registration, revocation, rotation, userinfo,
};
use crate::ports::{HttpResponse, Transport};
use crate::secret::{AuthorizationCode, IdToken, Nonce, State};
use crate::text::untrusted::Untrusted;

/// The issuer that the corpus uses.
const ISSUER: &str = "https://as.example";
/// The pending request's `state`.
const STATE: &str = "the-state-of-this-request";
/// The current time for all inputs.
const NOW: i64 = 1_800_000_000;

fn error_is_harmless(error: &dyn std::error::Error) {
    assert_harmless("an error", &crate::text::causes::with_causes(error));
}

/// A request to the redirect listener, byte for byte. The same input is also used as a line that the user pastes.
pub(super) fn callback(data: &[u8]) {
    let Ok(redirect_uri) = Url::parse("http://127.0.0.1:4321/callback") else { return };
    let expected = |issuer_required| Expected {
        state: State::new(STATE),
        issuer: Some(ISSUER.to_owned()),
        issuer_required,
        redirect_uri: redirect_uri.clone(),
    };
    let text = String::from_utf8_lossy(data);
    for issuer_required in [false, true] {
        let expected = expected(issuer_required);
        judge(&expected.check_pasted(&text), &text);
        if let Ok(Some(request)) = parse_head(data) {
            judge(&expected.check(&request.redirect), &request.redirect.target);
        }
    }
}

/// Nothing without the right `state` may end the wait (F-CB2).
fn judge(verdict: &RedirectVerdict<AuthorizationCode>, target: &str) {
    match verdict {
        RedirectVerdict::Ignored(status) => assert!((400..600).contains(status), "{status}"),
        RedirectVerdict::Refused(error) => error_is_harmless(error),
        RedirectVerdict::Answer(code) => {
            assert!(code.expose().bytes().all(|byte| matches!(byte, 0x20..=0x7e)))
        }
    }
    if !matches!(verdict, RedirectVerdict::Ignored(_)) {
        let decoded = percent_encoding::percent_decode_str(target).decode_utf8_lossy();
        assert!(decoded.contains(STATE), "{target:?} ended the wait without the state");
    }
}

/// A `WWW-Authenticate` header. Writing the parsed challenges and parsing them again must change nothing.
pub(super) fn challenge(data: &[u8]) {
    let header = String::from_utf8_lossy(data);
    let found = challenge::parse(&header);
    let quoted = |value: &str| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
    let written: Vec<String> = found
        .iter()
        .map(|challenge| {
            let parameters: Vec<String> = challenge
                .parameters
                .iter()
                .map(|(name, value)| format!("{name}={}", quoted(value)))
                .collect();
            format!("{} {}", challenge.scheme, parameters.join(", ")).trim_end().to_owned()
        })
        .collect();
    assert_eq!(challenge::parse(&written.join(", ")), found, "{header:?} is not understood again");
    for status in [401, 403] {
        let headers = vec![("www-authenticate".to_owned(), header.clone().into_owned())];
        let response = HttpResponse { status, headers, body: Vec::new().into() };
        let _ = challenge::token_is_invalid(&response);
        let _ = challenge::challenges(&response).iter().map(challenge::Challenge::scope).count();
    }
}

/// An endpoint's response: the status, a space, the content type, a line feed, and the body. It is read as the response
/// of the token endpoint and of every other endpoint.
pub(super) fn endpoint_answer(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (head, body) = (String::from_utf8_lossy(&data[..end]), data.get(end + 1..).unwrap_or_default());
    let (status, media_type) = head.split_once(' ').unwrap_or((&head, "application/json"));
    let Ok(status) = status.parse() else { return };
    let response = HttpResponse {
        status,
        headers: vec![
            ("content-type".to_owned(), media_type.to_owned()),
            ("retry-after".to_owned(), media_type.to_owned()),
            ("location".to_owned(), media_type.to_owned()),
        ],
        body: body.to_vec().into(),
    };
    token_answer(&response);
    let Ok(issuer) = Issuer::configured(ISSUER) else { return };
    let check = |error: Option<&dyn std::error::Error>| error.into_iter().for_each(error_is_harmless);
    check(device::response(&response, &issuer).as_ref().err().map(|error| error as _));
    check(ciba::response(&response).as_ref().err().map(|error| error as _));
    check(par::response(&response).as_ref().err().map(|error| error as _));
    check(introspection::response(&response).as_ref().err().map(|error| error as _));
    check(revocation::response(&response).as_ref().err().map(|error| error as _));
    check(userinfo::response(&response, Some("subject")).as_ref().err().map(|error| error as _));
    check(registration::response(&response).as_ref().err().map(|error| error as _));
}

fn token_answer(response: &HttpResponse) {
    let (Ok(url), Ok(now)) =
        (EndpointUrl::configured("https://as.example/token"), Timestamp::from_second(NOW))
    else {
        return;
    };
    let binding = Binding::default().with(Binding::TOKEN_ENDPOINT, url.origin());
    let exchange =
        Exchange { token_type: Some("urn:ietf:params:oauth:token-type:access_token"), must_say: true };
    let nested = Quirks { token_member: Some("authed_user".to_owned()), ..Quirks::default() };
    for (asked, quirks) in [
        (Asked::default(), Quirks::default()),
        (Asked { dpop: true, exchange: None }, nested),
        (Asked { dpop: false, exchange: Some(exchange) }, Quirks::default()),
    ] {
        let client = Client { id: "client".to_owned(), authentication: Authentication::None };
        let is_plain = quirks.token_member.is_none();
        let carried = rotation::carried(response, &quirks);
        let endpoint = TokenEndpoint::new(url.clone(), &binding, client, quirks, Transport::default());
        let Ok(endpoint) = endpoint else { return };
        match endpoint.response(response, &asked, now) {
            Ok(tokens) => {
                let fits =
                    |text: &str| !text.is_empty() && text.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
                assert!(fits(tokens.access_token.expose()) && !tokens.access_token.expose().contains(' '));
                assert!(tokens.refresh_token.as_ref().is_none_or(|token| fits(token.expose())));
                // The refresh token that is saved before the response is judged must be the one in the response.
                let saved = carried.as_ref().map(|carried| carried.refresh_token.expose());
                let found = tokens.refresh_token.as_ref().map(|token| token.expose());
                assert!(!is_plain || found == saved, "the saved refresh token is not the one in the answer");
                assert!(tokens.life.expires_at.is_none_or(|end| end >= now));
            }
            Err(error) => error_is_harmless(&error),
        }
    }
}

/// A metadata document, read as an authorization server's and a protected resource's. No endpoint in it may lead into a
/// private network or to plain HTTP.
pub(super) fn metadata(data: &[u8]) {
    for issuer in [ISSUER, "https://as.example/{tenantid}/v2.0"] {
        let Ok(issuer) = Issuer::configured(issuer) else { continue };
        for (derived, tenant) in [(false, false), (true, true)] {
            match Metadata::parse(data, &issuer, derived, tenant) {
                Ok(metadata) => {
                    assert!(derived || tenant || metadata.issuer() == Some(issuer.as_str()));
                    let named = ENDPOINTS.iter().filter_map(|name| metadata.text(name));
                    named.for_each(|url| check_discovered(url, &issuer));
                }
                Err(error) => error_is_harmless(&error),
            }
        }
    }
    if let Ok(resource) = Url::parse("https://api.example/mcp")
        && let Err(error) = ResourceMetadata::parse(data, &resource)
    {
        error_is_harmless(&error);
    }
}

fn check_discovered(text: &str, issuer: &Issuer) {
    match EndpointUrl::discovered(text, issuer) {
        Ok(url) => {
            let url = url.url();
            assert_eq!(url.scheme(), "https", "{url}");
            assert!(url.username().is_empty() && url.password().is_none(), "{url}");
            let public = match url.host() {
                Some(url::Host::Ipv4(address)) => crate::oauth::address::is_public(address.into()),
                Some(url::Host::Ipv6(address)) => crate::oauth::address::is_public(address.into()),
                host => host.is_some(),
            };
            assert!(public, "{url}");
        }
        Err(error) => error_is_harmless(&error),
    }
}

pub(super) fn key_set(data: &[u8]) {
    let Ok(keys) = KeySet::parse(data) else { return };
    for algorithm in
        [Algorithm::RS256, Algorithm::PS512, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA]
    {
        let _ = keys.candidates(algorithm, None).count();
        // None of these keys made the valid token's signature, but all are tried.
        let _ = crate::oauth::jwt::is_signed_by(TOKEN, &keys, algorithm, Some("k1"));
    }
}

/// The public half of the key that signed [`TOKEN`].
const KEYS: &str = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES256\",\"use\":\"sig\",\"kid\":\"k1\",\"x\":\"LvcvkBxY5AQ6ezMEiimHGO3ee4n-YpbbF_mX0QDon3I\",\"y\":\"1M1AHNwGuIHX-lnEeklwXfBvvaIUKJBLTTNTKlkGsnE\"}]}";
/// The only valid token: for the client `client` and the nonce `nonce`, at the time [`NOW`].
const TOKEN: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsxIn0.eyJpc3MiOiJodHRwczovL2FzLmV4YW1wbGUiLCJzdWIiOiJhbGljZSIsImF1ZCI6ImNsaWVudCIsImlhdCI6MTc5OTk5OTk5MCwiZXhwIjoxODAwMDAzNjAwLCJub25jZSI6Im5vbmNlIiwiZW1haWwiOiJhbGljZUBleGFtcGxlLmNvbSJ9.vdzUKTrX2J42U_UfcmrJL0X8fZtTAXgcemsrVkk1Lhg5Er1pt2coxKSQjJvOxmm032BI7h9ZBF8DOYZinWohOg";

/// An ID token. Only signed claims may be accepted.
pub(super) fn id_token(data: &[u8]) {
    let (Ok(keys), Ok(now)) = (KeySet::parse(KEYS.as_bytes()), Timestamp::from_second(NOW)) else { return };
    let Ok(token) = IdToken::parse(String::from_utf8_lossy(data)) else { return };
    let nonce = Nonce::new("nonce");
    let algorithms = [Algorithm::ES256, Algorithm::RS256, Algorithm::HS256];
    let expected = id_token::Expected {
        issuer: id_token::AcceptedIssuer { issuer: ISSUER, other: None, tenant: false },
        client_id: "client",
        nonce: Some(&nonce),
        algorithms: &algorithms,
        client_secret: None,
        access_token: None,
        max_age: None,
        now,
    };
    match id_token::validate(&token, &keys, &expected) {
        Ok(claims) => {
            let signed = |token: &str| token.rsplit_once('.').map(|(signed, _)| signed.to_owned());
            assert_eq!(signed(token.expose()), signed(TOKEN), "a token that nobody signed is valid");
            assert!(check_refreshed(&claims, Some(&claims), Some(claims.subject())).is_ok());
        }
        Err(error) => error_is_harmless(&error),
    }
    // Stored claims are read without checking the signature again.
    if let Some(claims) = stored_claims(&token) {
        let kept = Claims::known(claims.lasting());
        let _ = check_refreshed(&claims, Some(&kept), None);
        let _ = claims.expires_at();
        assert_harmless("a subject", &Untrusted::new(claims.subject()).to_string());
    }
}
