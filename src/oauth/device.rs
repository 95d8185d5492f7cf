//! The device authorization request (RFC 8628 section 3.1, 3.2).

use std::time::Duration;

use serde_json::Value;

use super::answer::{self, EndpointError, seconds};
use super::endpoint::{EndpointUrl, Issuer, UrlRefused};
use crate::ports::HttpResponse;
use crate::secret::DeviceCode;

/// The grant (RFC 8628 section 3.4).
pub const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const ENDPOINT: &str = "device authorization endpoint";
/// A user types the code: no honest one is longer.
const LONGEST_USER_CODE: usize = 64;

/// What the user sees, and what the client polls with.
#[derive(Debug)]
pub struct DeviceAuthorization {
    /// Anyone who has it can get the tokens, so it is never shown.
    pub device_code: DeviceCode,
    /// The code that the user enters.
    pub user_code: String,
    /// Where the user enters it.
    pub verification_uri: EndpointUrl,
    /// The same URL with the code in it, for a browser or a QR code.
    pub verification_uri_complete: Option<EndpointUrl>,
    pub lifetime: Duration,
    /// The polling interval.
    pub interval: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    #[error(transparent)]
    Answer(#[from] EndpointError),
    /// The server supplied a URL that must not be shown to the user.
    #[error("the device authorization endpoint supplied a URL that authctl refuses to use")]
    Url(#[from] UrlRefused),
}

/// Reads the device authorization response. Errors never contain a code.
pub fn response(response: &HttpResponse, issuer: &Issuer) -> Result<DeviceAuthorization, DeviceError> {
    let object = answer::object(ENDPOINT, response)?;
    let unusable = |reason: &str| answer::unusable(ENDPOINT, response, reason);
    let text = |name: &str| object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let code = text("device_code").ok_or_else(|| unusable("it has no `device_code`"))?;
    let user_code = text("user_code").ok_or_else(|| unusable("it has no `user_code`"))?;
    if user_code.len() > LONGEST_USER_CODE {
        return Err(unusable("its `user_code` is too long to be typed").into());
    }
    // Google calls it `verification_url`.
    let uri = text("verification_uri").or_else(|| text("verification_url"));
    let uri = uri.ok_or_else(|| unusable("it has no `verification_uri`"))?;
    let complete = text("verification_uri_complete").or_else(|| text("verification_url_complete"));
    Ok(DeviceAuthorization {
        device_code: DeviceCode::parse(code).map_err(|_| unusable("its `device_code` is not valid"))?,
        user_code: user_code.to_owned(),
        verification_uri: EndpointUrl::discovered(uri, issuer)?,
        verification_uri_complete: complete.map(|uri| EndpointUrl::discovered(uri, issuer)).transpose()?,
        lifetime: seconds(&object, "expires_in").ok_or_else(|| unusable("it has no `expires_in`"))?,
        interval: seconds(&object, "interval"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(status: u16, body: &str) -> String {
        let issuer = Issuer::configured("https://as.example").unwrap();
        let answer = HttpResponse { status, headers: Vec::new(), body: body.as_bytes().to_vec().into() };
        match response(&answer, &issuer) {
            Ok(codes) => format!(
                "{} {} {:?} {:?} {:?}",
                codes.user_code,
                codes.verification_uri,
                codes.verification_uri_complete.map(|uri| uri.to_string()),
                codes.lifetime,
                codes.interval
            ),
            Err(error) => crate::text::causes::with_causes(&error),
        }
    }

    #[test]
    fn device_authorization_responses_are_read() {
        let with = |more: &str| format!(r#"{{"device_code":"d","user_code":"AB-CD",{more}}}"#);
        for (name, status, body, want) in [
            (
                "RFC 8628 section 3.2",
                200,
                r#"{"device_code":"GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS","user_code":"WDJB-MJHT",
                    "verification_uri":"https://example.com/device",
                    "verification_uri_complete":"https://example.com/device?user_code=WDJB-MJHT",
                    "expires_in":1800,"interval":5}"#
                    .to_owned(),
                r#"WDJB-MJHT https://example.com/device Some("https://example.com/device?user_code=WDJB-MJHT") 1800s Some(5s)"#,
            ),
            (
                "Google",
                200,
                with(r#""verification_url":"https://www.google.com/device","expires_in":"900""#),
                "AB-CD https://www.google.com/device None 900s None",
            ),
            (
                "no expiry",
                200,
                with(r#""verification_uri":"https://a.example""#),
                "the device authorization endpoint sent an invalid response: it has no `expires_in` (status 200, ``, 78 bytes)",
            ),
            (
                "no address",
                200,
                with(r#""expires_in":5"#),
                "the device authorization endpoint sent an invalid response: it has no `verification_uri` (status 200, ``, 54 bytes)",
            ),
            (
                "javascript",
                200,
                with(r#""verification_uri":"javascript:alert(1)","expires_in":5"#),
                "the device authorization endpoint supplied a URL that authctl refuses to use: `javascript:alert(1)` is not an https URL; http is accepted only from the configuration, for 127.0.0.1, [::1] and localhost",
            ),
            (
                "plain http",
                200,
                with(r#""verification_uri":"http://as.example/device","expires_in":5"#),
                "the device authorization endpoint supplied a URL that authctl refuses to use: `http://as.example/device` is not an https URL; http is accepted only from the configuration, for 127.0.0.1, [::1] and localhost",
            ),
            (
                "refused",
                400,
                r#"{"error":"unauthorized_client","error_description":"no\u001b"}"#.to_owned(),
                "the device authorization endpoint returned `unauthorized_client`: `no\\u{1b}`",
            ),
        ] {
            assert_eq!(parsed(status, &body), want, "{name}");
        }
    }
}
