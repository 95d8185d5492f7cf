//! Token introspection (RFC 7662).

use serde_json::{Map, Value};

use super::answer::redirect_target;
use super::json;
use crate::ports::HttpResponse;
use crate::text::untrusted::Untrusted;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntrospectionError {
    #[error("the introspection endpoint rejected the request: {0}")]
    Refused(Untrusted),
    /// The server redirected, where a token never goes (F-REDIR).
    #[error("the introspection endpoint redirects to {0}; authctl never follows a redirect with a token")]
    Redirected(Untrusted),
    /// The response is not one of RFC 7662 section 2.2.
    #[error("the introspection endpoint sent an invalid response: it has no `active` (status {0})")]
    Unusable(u16),
}

/// Reads the response. An inactive token is a valid response too (RFC 7662 section 2.2).
pub fn response(response: &HttpResponse) -> Result<Map<String, Value>, IntrospectionError> {
    if (300..400).contains(&response.status) {
        return Err(IntrospectionError::Redirected(redirect_target(response)));
    }
    let object = json::object(&response.body).ok();
    if response.status != 200 {
        let code = object.and_then(|object| object.get("error")?.as_str().map(str::to_owned));
        let said = code.unwrap_or_else(|| format!("status {}", response.status));
        return Err(IntrospectionError::Refused(Untrusted::new(said)));
    }
    object
        .filter(|object| object.get("active").is_some_and(Value::is_boolean))
        .ok_or(IntrospectionError::Unusable(response.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn introspection_responses_are_read() {
        for (name, status, body, want) in [
            ("active", 200, r#"{"active":true,"scope":"a","more":[1]}"#, Ok(3)),
            ("not active is an answer", 200, r#"{"active":false}"#, Ok(1)),
            ("no answer", 200, "{}", Err(IntrospectionError::Unusable(200))),
            ("active is a string", 200, r#"{"active":"yes"}"#, Err(IntrospectionError::Unusable(200))),
            ("html", 200, "<html>", Err(IntrospectionError::Unusable(200))),
            (
                "refused",
                401,
                r#"{"error":"invalid_client"}"#,
                Err(IntrospectionError::Refused(Untrusted::new("invalid_client"))),
            ),
            ("F-REDIR", 307, "", Err(IntrospectionError::Redirected(Untrusted::new("evil.example")))),
        ] {
            let location = ("location".to_owned(), "https://evil.example/?token=x".to_owned());
            let answer =
                HttpResponse { status, headers: vec![location], body: body.as_bytes().to_vec().into() };
            assert_eq!(response(&answer).map(|object| object.len()), want, "{name}");
        }
    }
}
