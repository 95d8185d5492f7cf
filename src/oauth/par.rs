//! Pushed authorization requests (RFC 9126).

use serde_json::Value;

use super::answer::{self, EndpointError};
use crate::ports::HttpResponse;

const ENDPOINT: &str = "pushed authorization request endpoint";
/// No honest `request_uri` is longer.
const LONGEST: usize = 2048;

/// Reads the response: the `request_uri` to authorize with, once (RFC 9126 section 2.2). authctl never falls back to a
/// request that is not pushed: that would be a downgrade (RFC 9126 section 5).
pub fn response(response: &HttpResponse) -> Result<String, EndpointError> {
    // RFC 9126 says 201; some servers send 200.
    let object = answer::object(ENDPOINT, response)?;
    let uri = object.get("request_uri").and_then(Value::as_str).unwrap_or_default();
    if uri.is_empty() || uri.len() > LONGEST || !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(answer::unusable(ENDPOINT, response, "it has no `request_uri`"));
    }
    let life = object.get("expires_in").and_then(Value::as_u64).unwrap_or(0);
    if life == 0 {
        return Err(answer::unusable(ENDPOINT, response, "its `expires_in` is not a positive number"));
    }
    Ok(uri.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pushed_request_responses_are_read() {
        for (name, status, body, want) in [
            (
                "RFC 9126 section 2.2",
                201,
                r#"{"request_uri":"urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c","expires_in":60}"#,
                Ok("urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c"),
            ),
            ("200 as well", 200, r#"{"request_uri":"urn:x","expires_in":1}"#, Ok("urn:x")),
            ("no uri", 201, r#"{"expires_in":60}"#, Err("has no `request_uri`")),
            ("a line in it", 201, r#"{"request_uri":"a\nb","expires_in":60}"#, Err("has no `request_uri`")),
            ("no life", 201, r#"{"request_uri":"urn:x"}"#, Err("not a positive number")),
            ("no time left", 201, r#"{"request_uri":"urn:x","expires_in":0}"#, Err("not a positive number")),
            ("refused", 400, r#"{"error":"invalid_request"}"#, Err("returned `invalid_request`")),
            ("F-REDIR", 307, "", Err("redirects to")),
            ("error without a code", 500, "", Err("is temporarily unavailable")),
        ] {
            let answer = HttpResponse { status, headers: Vec::new(), body: body.as_bytes().to_vec().into() };
            match (response(&answer), want) {
                (Ok(found), want) => assert_eq!(Ok(found.as_str()), want, "{name}"),
                (Err(error), Err(want)) => assert!(error.to_string().contains(want), "{name}: {error}"),
                (Err(error), Ok(_)) => panic!("{name}: {error}"),
            }
        }
    }
}
