//! Responses for the container credential provider in AWS's SDKs (docs.aws.amazon.com/sdkref, "Container credential
//! provider").

use serde_json::json;

use super::refusal::{JSON, Refusal, reply};
use crate::error::Error;
use crate::ports::local_server::Reply;
use crate::secret::SecretText;
use crate::session::aws::{AwsCredentials, AwsError};

pub fn answer(credentials: &AwsCredentials) -> Reply {
    let object = json!({
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key.expose(),
        "Token": credentials.session_token.expose(),
        "Expiration": credentials.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    });
    reply(200, JSON, SecretText::new(object.to_string()))
}

/// Turns an error into a refusal, with a hint for the missing role.
pub fn refusal(error: AwsError) -> Refusal {
    let hint = match &error {
        AwsError::NoRole(name) => {
            Some(format!("set `aws_role` in [credentials.{name}.helper], or request /aws/{name}?role=ARN"))
        }
        _ => None,
    };
    let refusal = Refusal::from(Error::from(error));
    Refusal { hint: hint.or(refusal.hint.clone()), ..refusal }
}
