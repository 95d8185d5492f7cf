//! Forwards a request and its response, and streams both bodies.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use zeroize::Zeroizing;

use crate::adapters::http::{self, ClientKey};
use crate::adapters::local_server::reply::Body;
use crate::adapters::local_server::shared::{Clients, Shared};
use crate::oauth::endpoint::authority;
use crate::ports::local_server::{Action, Attempt, Failure, ForwardTarget, RequestHead};
use crate::ports::{HttpError, HttpResponse, Reach};
use crate::token::HeaderLine;

/// How long an idle connection to the upstream server is kept.
const IDLE: Duration = Duration::from_secs(15);
const MOST_IDLE: usize = 8;

/// Hop-by-hop headers (RFC 9110 section 7.6.1), in addition to those that `Connection` names.
const OF_ONE_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Request headers that are never forwarded: those that name this server, frame the body or authenticate the client.
const OF_THE_CLIENT: [HeaderName; 5] =
    [HOST, CONTENT_LENGTH, EXPECT, AUTHORIZATION, HeaderName::from_static("dpop")];

/// Forwards a request. One without a body is retried if the service has a better credential for it.
pub(super) async fn run(
    shared: &Shared,
    asked: &Arc<RequestHead>,
    parts: Parts,
    body: Incoming,
    first: ForwardTarget,
) -> Response<Body> {
    let body = asked.has_body.then(|| reqwest::Body::wrap(body));
    let credential = first.credential.clone();
    let response = match send(&shared.clients, &parts, body, first).await {
        Ok(response) => response,
        Err(error) => return shared.failed(&Failure::NotForwarded(error)),
    };
    if let Some(rejection) = shared.service.rejection(&head(&response))
        && !asked.has_body
        && let attempt = Attempt::Retry(rejection, credential)
        && let Ok(Some(Action::Forward(again))) = shared.workers.ask(asked, attempt).await
        && let Ok(second) = send(&shared.clients, &parts, None, *again).await
    {
        let _ = shared.service.rejection(&head(&second));
        return passed_back(shared, second);
    }
    passed_back(shared, response)
}

async fn send(
    clients: &Clients,
    parts: &Parts,
    body: Option<reqwest::Body>,
    forward: ForwardTarget,
) -> Result<reqwest::Response, HttpError> {
    let host = authority(&forward.url);
    let client = client(clients, &forward)?;
    let headers = headers(&parts.headers, &forward.headers)?;
    let mut request = client.request(parts.method.clone(), forward.url).headers(headers);
    if let Some(body) = body {
        request = request.body(body);
    }
    request.send().await.map_err(|error| http::failure(&host, error))
}

fn client(clients: &Clients, forward: &ForwardTarget) -> Result<reqwest::Client, HttpError> {
    let key = ClientKey::of(&forward.transport, Reach::Configured, &forward.url);
    let mut clients = clients.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(client) = clients.get(&key) {
        return Ok(client.clone());
    }
    let builder = http::builder(&key)?.pool_idle_timeout(IDLE).pool_max_idle_per_host(MOST_IDLE);
    let client = builder.build().map_err(|error| key.unusable(error))?;
    // A renewed certificate needs a new client, and the earlier ones are no longer needed.
    clients.clear();
    clients.insert(key, client.clone());
    Ok(client)
}

/// The request's own headers, with the provider's credential instead of the client's.
fn headers(sent: &HeaderMap, ours: &[HeaderLine]) -> Result<HeaderMap, HttpError> {
    let mut headers = without_hop(sent);
    for name in &OF_THE_CLIENT {
        headers.remove(name);
    }
    for line in ours {
        let name = HeaderName::from_bytes(line.name.as_bytes());
        let (Ok(name), Ok(mut value)) = (name, HeaderValue::from_str(line.value.expose())) else {
            return Err(HttpError::Setup("the credential is not a valid header".to_owned()));
        };
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// "Intermediaries MUST … remove any header or trailer field(s) from the message with the same name as the
/// connection-option" (RFC 9110 section 7.6.1).
fn without_hop(headers: &HeaderMap) -> HeaderMap {
    let mut left = headers.clone();
    for value in headers.get_all(CONNECTION) {
        for option in value.to_str().unwrap_or_default().split(',') {
            left.remove(option.trim());
        }
    }
    for name in &OF_ONE_HOP {
        left.remove(name);
    }
    left
}

fn head(response: &reqwest::Response) -> HttpResponse {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value)));
    HttpResponse {
        status: response.status().as_u16(),
        headers: headers.collect(),
        body: Zeroizing::new(Vec::new()),
    }
}

fn passed_back(shared: &Shared, response: reqwest::Response) -> Response<Body> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return shared.failed(&Failure::Unusable("it switched to another protocol"));
    }
    let headers = without_hop(response.headers());
    let response: Response<reqwest::Body> = response.into();
    let (parts, body) = response.into_parts();
    let mut answer = Response::new(body.map_err(Into::into).boxed_unsync());
    *answer.status_mut() = parts.status;
    *answer.headers_mut() = headers;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretText;

    fn map(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn what_is_passed_on_of_a_request() {
        let ours = |name: &str| HeaderLine { name: name.to_owned(), value: SecretText::new("ours") };
        let auth = ("authorization", "ours");
        for (name, sent, want) in [
            ("nothing", map(&[]), map(&[auth])),
            (
                "other headers",
                map(&[("accept", "a"), ("accept", "b")]),
                map(&[("accept", "a"), ("accept", "b"), auth]),
            ),
            ("the capability", map(&[("authorization", "Bearer x"), ("authorization", "y")]), map(&[auth])),
            ("proofs", map(&[("dpop", "x"), ("proxy-authorization", "x")]), map(&[auth])),
            (
                "framing",
                map(&[("content-length", "1"), ("transfer-encoding", "chunked"), ("expect", "100-continue")]),
                map(&[auth]),
            ),
            (
                "hops",
                map(&[("te", "trailers"), ("keep-alive", "1"), ("upgrade", "h2c"), ("trailer", "x")]),
                map(&[auth]),
            ),
            (
                "named",
                map(&[
                    ("connection", "close, x-a"),
                    ("connection", "X-B , "),
                    ("x-a", "1"),
                    ("x-b", "2"),
                    ("x-c", "3"),
                ]),
                map(&[("x-c", "3"), auth]),
            ),
            ("ours cannot be named away", map(&[("connection", "authorization")]), map(&[auth])),
            ("host", map(&[("host", "127.0.0.1:1")]), map(&[auth])),
        ] {
            assert_eq!(headers(&sent, &[ours("Authorization")]).unwrap(), want, "{name}");
        }
        assert!(headers(&map(&[]), &[ours("no name")]).is_err());
        let other = headers(&map(&[("x-api-key", "theirs"), ("authorization", "x")]), &[ours("X-Api-Key")]);
        assert_eq!(other.unwrap(), map(&[("x-api-key", "ours")]));
    }
}
