//! Token revocation (RFC 7009).

use super::answer::{redirect_target, retry_after};
use super::json;
use crate::ports::HttpResponse;
use crate::text::untrusted::Untrusted;

/// Why a token may still be valid at the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevocationError {
    /// RFC 7009 section 2.2.1: the server cannot revoke tokens of this type.
    #[error("the server cannot revoke tokens of this type")]
    UnsupportedTokenType,
    /// RFC 7009 section 2.2.1: after 503 "the client must assume the token still exists".
    #[error("the server is temporarily unable to revoke tokens (status {status}){}", retry_after.map(|seconds| format!("; it asked to wait {seconds} seconds")).unwrap_or_default())]
    TryLater { status: u16, retry_after: Option<u64> },
    #[error("the server refused to revoke the token: {0}")]
    Refused(Untrusted),
    /// The server redirected, where a token never goes (F-REDIR).
    #[error("the revocation endpoint redirects to {0}; authctl never follows a redirect with a token")]
    Redirected(Untrusted),
}

/// Reads the response: any 2xx means that the token is revoked, or was not valid before (RFC 7009 section 2.2).
pub fn response(response: &HttpResponse) -> Result<(), RevocationError> {
    match response.status {
        200..=299 => Ok(()),
        300..=399 => Err(RevocationError::Redirected(redirect_target(response))),
        status @ (429 | 500..=599) => Err(RevocationError::TryLater {
            status,
            retry_after: retry_after(response).map(|wait| wait.as_secs()),
        }),
        status => {
            let object = json::object(&response.body).unwrap_or_default();
            match object.get("error").and_then(serde_json::Value::as_str) {
                Some("unsupported_token_type") => Err(RevocationError::UnsupportedTokenType),
                Some(error) => Err(RevocationError::Refused(Untrusted::new(error))),
                None => Err(RevocationError::Refused(Untrusted::new(format!("status {status}")))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revocation_responses_are_read() {
        for (name, status, body, want) in [
            ("revoked", 200, "", Ok(())),
            ("no content", 204, "", Ok(())),
            ("V3", 400, r#"{"error":"unsupported_token_type"}"#, Err(RevocationError::UnsupportedTokenType)),
            ("503", 503, "", Err(RevocationError::TryLater { status: 503, retry_after: Some(7) })),
            (
                "refused",
                401,
                r#"{"error":"invalid_client"}"#,
                Err(RevocationError::Refused(Untrusted::new("invalid_client"))),
            ),
            ("no body", 404, "", Err(RevocationError::Refused(Untrusted::new("status 404")))),
            ("F-REDIR", 307, "", Err(RevocationError::Redirected(Untrusted::new("evil.example")))),
        ] {
            let answer = HttpResponse {
                status,
                headers: vec![
                    ("retry-after".to_owned(), "7".to_owned()),
                    ("location".to_owned(), "https://evil.example/?token=x".to_owned()),
                ],
                body: body.as_bytes().to_vec().into(),
            };
            assert_eq!(response(&answer), want, "{name}");
        }
    }
}
