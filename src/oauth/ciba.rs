//! Client-initiated backchannel authentication in its poll mode (OpenID CIBA Core 1.0).

use std::time::Duration;

use serde_json::Value;

use super::answer::{self, EndpointError, seconds};
use crate::ports::HttpResponse;
use crate::secret::DeviceCode;

/// The grant (CIBA Core section 10.1).
pub const GRANT_TYPE: &str = "urn:openid:params:grant-type:ciba";
const ENDPOINT: &str = "backchannel authentication endpoint";

/// An authentication request that waits for the user's approval.
#[derive(Debug)]
pub struct Authentication {
    /// `auth_req_id`: anyone who has it can get the tokens.
    pub request_id: DeviceCode,
    pub lifetime: Duration,
    /// The polling interval.
    pub interval: Option<Duration>,
}

/// Reads the authentication response (CIBA Core section 7.3).
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
            ("unknown user", 400, r#"{"error":"unknown_user_id"}"#, Err("returned `unknown_user_id`")),
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
