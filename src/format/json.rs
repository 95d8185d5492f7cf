//! A JSON object, without the refresh token.

use serde_json::json;

use super::definition::{Format, FormatError, Subject};
use crate::secret::SecretText;
use crate::token::{Credential, Issued};

pub const FORMAT: Format = Format {
    name: "json",
    about: "a JSON object with access_token, token_type, expires_at, scope and provider",
    render,
};

fn render(issued: &Issued, subject: &Subject<'_>) -> Result<SecretText, FormatError> {
    let mut object = json!({
        "access_token": issued.credential.bare().expose(),
        "token_type": issued.credential.token_type(),
        "expires_at": issued.expires_at.map(|end| end.to_string()),
        "scope": issued.scopes.as_ref().map(ToString::to_string),
        "provider": subject.provider.as_str(),
    });
    if let Credential::Basic { username, .. } = &issued.credential {
        object["username"] = username.as_str().into();
    }
    Ok(SecretText::new(format!("{object}\n")))
}
