//! The request to the security token service, and its response.

use jiff::Timestamp;

use super::error::AwsError;
use super::role::Role;
use crate::oauth::form::{FORM, Form};
use crate::ports::{HttpRequest, HttpResponse, Method, Transport};
use crate::secret::{AccessToken, SecretText};
use crate::text::untrusted::{Untrusted, escaped};

/// AWS credentials that expire.
#[derive(Debug, Clone)]
pub struct AwsCredentials {
    /// The access key's ID, which is not a secret.
    pub access_key_id: String,
    pub secret_access_key: AccessToken,
    pub session_token: AccessToken,
    pub expires_at: Timestamp,
}

/// The request for a role's credentials (AWS STS API reference, AssumeRoleWithWebIdentity).
pub(super) fn request(role: &Role, token: &SecretText, transport: &Transport) -> HttpRequest {
    let mut form = Form::default();
    form.set("Action", "AssumeRoleWithWebIdentity");
    form.set("Version", "2011-06-15");
    form.set("RoleArn", &role.arn);
    form.set("RoleSessionName", &role.session);
    form.set("DurationSeconds", &role.duration.as_secs().to_string());
    form.set("WebIdentityToken", token.expose());
    let mut request = role.endpoint.request(Method::Post, transport);
    request.body = Some((FORM, form.encoded()));
    request
}

/// Parses the service's response.
pub(super) fn answer(response: &HttpResponse) -> Result<AwsCredentials, AwsError> {
    let unusable = |reason| AwsError::Unusable { reason, status: response.status, size: response.body.len() };
    let text = std::str::from_utf8(&response.body).map_err(|_| unusable("it is not UTF-8"))?;
    // The parser accepts no document type, so it expands no entities that the document defines.
    let document = roxmltree::Document::parse(text).map_err(|_| unusable("it is not XML"))?;
    let element = |name: &str| {
        let found = document.descendants().find(|node| node.tag_name().name() == name);
        found.and_then(|node| node.text()).map(str::trim).filter(|text| !text.is_empty())
    };
    if response.status != 200 {
        let code = element("Code").ok_or_else(|| unusable("it has no error code"))?;
        return Err(AwsError::Refused {
            code: Untrusted::new(code),
            message: element("Message").map(Untrusted::new),
            later: response.status == 429
                || response.status >= 500
                || code == "Throttling"
                || code == "IDPCommunicationError",
        });
    }
    let required = |name: &str| element(name).ok_or_else(|| unusable("its credentials are incomplete"));
    let secret =
        |name: &str| AccessToken::parse(required(name)?).map_err(|_| unusable("its credentials are invalid"));
    let access_key_id = required("AccessKeyId")?;
    if escaped(access_key_id) != access_key_id || !access_key_id.is_ascii() {
        return Err(unusable("its credentials are invalid"));
    }
    Ok(AwsCredentials {
        access_key_id: access_key_id.to_owned(),
        secret_access_key: secret("SecretAccessKey")?,
        session_token: secret("SessionToken")?,
        expires_at: required("Expiration")?
            .parse()
            .map_err(|_| unusable("its credentials have no valid expiration time"))?,
    })
}
