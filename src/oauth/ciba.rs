//! Client-initiated backchannel authentication in its poll mode (OpenID CIBA Core 1.0).

use std::time::Duration;

use serde_json::Value;

use super::answer::{self, EndpointError, seconds};
use crate::ports::HttpResponse;
use crate::secret::DeviceCode;

/// The grant (CIBA Core section 10.1).
pub const GRANT_TYPE: &str = "urn:openid:params:grant-type:ciba";
/// What messages call the endpoint.
const ENDPOINT: &str = "backchannel authentication endpoint";

/// A request that the user is asked to approve.
#[derive(Debug)]
pub struct Authentication {
    /// `auth_req_id`: whoever has it gets the tokens.
    pub request_id: DeviceCode,
    /// How long it is good for.
    pub lifetime: Duration,
    /// How long to wait between two requests.
    pub interval: Option<Duration>,
}

/// Reads the answer to the authentication request (CIBA Core section 7.3).
pub fn response(response: &HttpResponse) -> Result<Authentication, EndpointError> {
    let object = answer::object(ENDPOINT, response)?;
    let unusable = |reason: &str| answer::unusable(ENDPOINT, response, reason);
    let id = object.get("auth_req_id").and_then(Value::as_str).unwrap_or_default();
    Ok(Authentication {
        request_id: DeviceCode::parse(id).map_err(|_| unusable("it has no `auth_req_id`"))?,
        lifetime: seconds(&object, "expires_in").ok_or_else(|| unusable("it has no `expires_in`"))?,
        interval: seconds(&object, "interval"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        for (name, status, body, want) in [
            (
                "Core section 7.3",
                200,
                r#"{"auth_req_id":"1c266114","expires_in":120,"interval":2}"#,
                Ok((120, Some(2))),
            ),
            ("no interval", 200, r#"{"auth_req_id":"x","expires_in":120}"#, Ok((120, None))),
            ("no id", 200, r#"{"expires_in":120}"#, Err("no `auth_req_id`")),
            ("no life", 200, r#"{"auth_req_id":"x"}"#, Err("no `expires_in`")),
            ("unknown user", 400, r#"{"error":"unknown_user_id"}"#, Err("answered `unknown_user_id`")),
        ] {
            let answer = HttpResponse { status, headers: Vec::new(), body: body.as_bytes().to_vec().into() };
            match (response(&answer), want) {
                (Ok(found), want) => {
                    let seconds = (found.lifetime.as_secs(), found.interval.map(|wait| wait.as_secs()));
                    assert_eq!(Ok(seconds), want, "{name}");
                }
                (Err(error), Err(want)) => assert!(error.to_string().contains(want), "{name}: {error}"),
                (Err(error), Ok(_)) => panic!("{name}: {error}"),
            }
        }
    }
}
