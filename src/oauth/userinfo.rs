//! The userinfo endpoint (OpenID Connect Core section 5.3).

use serde_json::{Map, Value};

use super::challenge::{self, Challenge};
use super::endpoint::EndpointUrl;
use super::json;
use crate::name::ScopeSet;
use crate::ports::{HttpRequest, HttpResponse, Method, Transport};
use crate::secret::SecretText;
use crate::token::{Credential, NoHeaders, RequestTarget};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UserinfoError {
    /// The token is no longer valid (RFC 6750 section 3.1).
    #[error("the userinfo endpoint no longer accepts the access token")]
    InvalidToken,
    /// The token is valid, but does not allow this.
    #[error("the access token does not allow a userinfo request (status {status}){}", scope.as_ref().map(|scope| format!(": it needs the scope {scope}")).unwrap_or_default())]
    Refused { status: u16, scope: Option<ScopeSet> },
    #[error("the userinfo endpoint returned status {0}")]
    Status(u16),
    #[error("the userinfo endpoint sent an invalid response: {0}")]
    NotAnObject(#[from] json::NotAnObject),
    /// Core section 5.3.2: "if they do not match, the UserInfo Response values MUST NOT be used".
    #[error("the userinfo endpoint returned a different user than the ID token")]
    OtherSubject,
}

/// The request: a GET with the token in its header, never in the URL (RFC 6750 section 2.1).
pub fn request(
    endpoint: &EndpointUrl,
    credential: &Credential,
    target: &RequestTarget,
    transport: &Transport,
) -> Result<HttpRequest, NoHeaders> {
    let mut request = endpoint.request(Method::Get, transport);
    request.headers.push(("accept", SecretText::new("application/json")));
    for header in credential.headers(Some(target))? {
        request.headers.push((if header.name == "DPoP" { "dpop" } else { "authorization" }, header.value));
    }
    Ok(request)
}

/// Reads the response, whose `sub` must be the ID token's if there was one.
pub fn response(response: &HttpResponse, subject: Option<&str>) -> Result<Map<String, Value>, UserinfoError> {
    match response.status {
        200 => {}
        _ if challenge::token_is_invalid(response) => return Err(UserinfoError::InvalidToken),
        status @ (401 | 403) => {
            let scope = challenge::challenges(response).iter().find_map(Challenge::scope);
            return Err(UserinfoError::Refused { status, scope });
        }
        status => return Err(UserinfoError::Status(status)),
    }
    let claims = json::object(&response.body)?;
    match subject {
        Some(subject) if claims.get("sub").and_then(Value::as_str) != Some(subject) => {
            Err(UserinfoError::OtherSubject)
        }
        _ => Ok(claims),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn userinfo_must_have_the_id_tokens_subject() {
        for (name, status, body, subject, want) in [
            ("same", 200, r#"{"sub":"alice","name":"A"}"#, Some("alice"), Ok(2)),
            (
                "userinfo-invalid-sub",
                200,
                r#"{"sub":"bob"}"#,
                Some("alice"),
                Err(UserinfoError::OtherSubject),
            ),
            ("no sub", 200, r#"{"name":"A"}"#, Some("alice"), Err(UserinfoError::OtherSubject)),
            ("no ID token, as GitHub", 200, r#"{"login":"octocat"}"#, None, Ok(1)),
            ("expired", 401, "", None, Err(UserinfoError::InvalidToken)),
            ("forbidden", 403, "", None, Err(UserinfoError::Refused { status: 403, scope: None })),
            ("broken", 500, "", None, Err(UserinfoError::Status(500))),
            ("html", 200, "<html>", None, Err(UserinfoError::NotAnObject(json::NotAnObject))),
        ] {
            let answer = HttpResponse { status, headers: Vec::new(), body: body.as_bytes().to_vec().into() };
            assert_eq!(response(&answer, subject).map(|claims| claims.len()), want, "{name}");
        }
    }
}
