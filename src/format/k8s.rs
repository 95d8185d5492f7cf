//! An `ExecCredential`, which client-go reads from a credential plugin.

use serde_json::json;

use super::definition::{Format, FormatError, Subject, one_line};
use crate::secret::SecretText;
use crate::token::{Issued, NoHeaders};

pub const FORMAT: Format = Format { name: "k8s", about: "an ExecCredential for Kubernetes", render };

/// The API version if the caller does not ask for one.
pub const API_VERSION: &str = "client.authentication.k8s.io/v1";

fn render(issued: &Issued, _: &Subject<'_>) -> Result<SecretText, FormatError> {
    exec_credential(issued, API_VERSION)
}

/// An `ExecCredential` of this API version (client-go, pkg/apis/clientauthentication).
pub fn exec_credential(issued: &Issued, api_version: &str) -> Result<SecretText, FormatError> {
    // Only bearer tokens: client-go sends the API server nothing else.
    if !matches!(issued.credential.token_type(), "Bearer") {
        return Err(NoHeaders::NotForRequests.into());
    }
    let token = issued.credential.bare();
    one_line(token.expose(), FORMAT.name)?;
    let mut status = json!({ "token": token.expose() });
    if let Some(end) = issued.expires_at {
        // client-go expects whole seconds (RFC 3339).
        let whole = jiff::Timestamp::from_second(end.as_second()).unwrap_or(end);
        status["expirationTimestamp"] = whole.to_string().into();
    }
    let object = json!({ "apiVersion": api_version, "kind": "ExecCredential", "status": status });
    Ok(SecretText::new(format!("{object}\n")))
}
