//! Reads an endpoint's response: the requested object, an error response (RFC 6749 section 5.2), "try again later", or
//! something unusable.

use std::time::Duration;

use serde_json::{Map, Value};

use super::json;
use crate::ports::HttpResponse;
use crate::text::untrusted::Untrusted;

/// Why an endpoint's response does not hold the requested object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The server returned an error response (RFC 6749 section 5.2).
    #[error(transparent)]
    Refused(#[from] Box<ErrorResponse>),
    /// The server asked to try again later: status 429 or an error of its own.
    #[error("the {endpoint} is temporarily unavailable (status {status}){}", retry_after.map(|wait| format!("; it asked to wait {} seconds", wait.as_secs())).unwrap_or_default())]
    TryLater { endpoint: &'static str, status: u16, retry_after: Option<Duration> },
    /// The server redirected to another host, where a request with credentials never goes (F-REDIR).
    #[error("the {endpoint} redirects to {target}; authctl never follows a redirect with credentials")]
    Redirected {
        endpoint: &'static str,
        /// The other host.
        target: Untrusted,
    },
    /// No standard describes this response. Its body is not part of the error, because it may hold tokens.
    #[error(
        "the {endpoint} sent an invalid response: {reason} (status {status}, {media_type}, {size} bytes)"
    )]
    Unusable { endpoint: &'static str, reason: String, status: u16, media_type: Untrusted, size: usize },
}

/// An endpoint's error response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {endpoint} returned {}{}", Untrusted::new(code.as_str()), description.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
pub struct ErrorResponse {
    pub endpoint: &'static str,
    pub code: String,
    pub description: Option<Untrusted>,
    /// The polling interval that the server asks for: GitHub sends it with `slow_down`.
    pub interval: Option<Duration>,
}

impl EndpointError {
    /// Whether the server named this error code.
    pub fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == wanted)
    }

    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::TryLater { .. })
    }
}

/// The JSON object of a successful response, 200 or 201.
pub fn object(endpoint: &'static str, response: &HttpResponse) -> Result<Map<String, Value>, EndpointError> {
    if (300..400).contains(&response.status) {
        return Err(EndpointError::Redirected { endpoint, target: redirect_target(response) });
    }
    let object = json::object(&response.body);
    let refused = object.as_ref().ok().and_then(|object| refusal(endpoint, object));
    let later = response.status == 429
        || response.status >= 500 && !refused.as_ref().is_some_and(|refused| refused.is("invalid_grant"))
        || refused.as_ref().is_some_and(|refused| refused.is("temporarily_unavailable"));
    if later {
        let status = response.status;
        return Err(EndpointError::TryLater { endpoint, status, retry_after: retry_after(response) });
    }
    // An error may come with any status: GitHub and Slack send it with 200 (F-200ERR).
    if let Some(refused) = refused {
        return Err(refused);
    }
    if !matches!(response.status, 200 | 201) {
        return Err(unusable(endpoint, response, "it is an error response without an error code"));
    }
    object.map_err(|error| unusable(endpoint, response, &error.to_string()))
}

pub fn unusable(endpoint: &'static str, response: &HttpResponse, reason: &str) -> EndpointError {
    EndpointError::Unusable {
        endpoint,
        reason: reason.to_owned(),
        status: response.status,
        media_type: Untrusted::new(response.media_type()),
        size: response.body.len(),
    }
}

fn refusal(endpoint: &'static str, object: &Map<String, Value>) -> Option<EndpointError> {
    let error = match object.get("error") {
        Some(Value::String(error)) if !error.is_empty() => error.clone(),
        Some(Value::Object(error)) => {
            error.get("code").or(error.get("message")).and_then(Value::as_str)?.to_owned()
        }
        _ => return None,
    };
    let description = object.get("error_description").and_then(Value::as_str).filter(|text| !text.is_empty());
    Some(EndpointError::Refused(Box::new(ErrorResponse {
        endpoint,
        code: error,
        description: description.map(Untrusted::new),
        interval: seconds(object, "interval"),
    })))
}

/// A member that is a number of seconds, which some servers put in quotes.
pub fn seconds(object: &Map<String, Value>, name: &str) -> Option<Duration> {
    let seconds = match object.get(name)? {
        Value::Number(number) => number.as_u64()?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    Some(Duration::from_secs(seconds))
}

/// The wait that a `Retry-After` header in seconds asks for (RFC 9110 section 10.2.3).
pub fn retry_after(response: &HttpResponse) -> Option<Duration> {
    response.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
}

/// The host that a redirect points to. Its path and query may hold secrets.
pub fn redirect_target(response: &HttpResponse) -> Untrusted {
    let location = response.header("location").unwrap_or_default();
    let host = url::Url::parse(location).ok().map(|url| super::endpoint::authority(&url));
    Untrusted::new(host.unwrap_or_else(|| "another address".to_owned()))
}
