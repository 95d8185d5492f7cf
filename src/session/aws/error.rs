//! Why no AWS credentials are available.

use crate::advice::{Advise, Status};
use crate::name::ProviderName;
use crate::ports::HttpError;
use crate::session::acquire::AcquireError;
use crate::store::StoreError;
use crate::text::untrusted::Untrusted;

#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// The provider's configuration does not mention AWS, so its token is not for AWS (F-AWS1).
    #[error("`{0}` is not configured for AWS, so authctl does not send its token there")]
    NotConfigured(ProviderName),
    /// Neither the configuration nor the caller names a role.
    #[error("no AWS role is configured for `{0}`")]
    NoRole(ProviderName),
    /// AWS accepts an OpenID Connect token, and the provider issued something else (F-AWS1).
    #[error("AWS accepts only a signed JWT with an issuer, and `{0}` did not supply one; nothing was sent")]
    NotJwt(ProviderName),
    #[error("{0} is not a valid AWS region")]
    Region(Untrusted),
    #[error(transparent)]
    Acquire(#[from] AcquireError),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("the security token service rejected the request with {code}{}", message.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    Refused {
        code: Untrusted,
        /// The service's description.
        message: Option<Untrusted>,
        /// Whether a later request may succeed.
        later: bool,
    },
    /// The response is not a documented one. The error does not contain it, because it may hold keys.
    #[error("the security token service's response cannot be used: {reason} (status {status}, {size} bytes)")]
    Unusable {
        reason: &'static str,
        status: u16,
        /// The size of the body.
        size: usize,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Advise for AwsError {
    fn status(&self) -> Status {
        match self {
            Self::NotConfigured(_) | Self::NoRole(_) | Self::Region(_) => Status::Config,
            Self::Acquire(error) => error.status(),
            Self::Http(error) => error.status(),
            Self::Refused { later: true, .. } => Status::Unreachable,
            Self::Store(error) => error.status(),
            Self::NotJwt(_) | Self::Refused { .. } | Self::Unusable { .. } => Status::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotConfigured(provider) => format!(
                "set `aws_role` in [credentials.{provider}.helper] to the role's ARN, if AWS may receive its token"
            ),
            Self::NoRole(provider) => format!(
                "set `aws_role` in [credentials.{provider}.helper] to the role's ARN, or name the role with --role"
            ),
            Self::NotJwt(provider) => format!(
                "add `openid` to `scopes` in [credentials.{provider}.oauth] and run `authctl login {provider}`, or use a provider whose access token is a JWT"
            ),
            Self::Region(_) => {
                "set `helper.aws_region` or AWS_REGION to a region such as eu-central-1".to_owned()
            }
            Self::Acquire(error) => return error.hint(),
            Self::Store(error) => return error.hint(),
            Self::Refused { later: false, .. } => {
                "check that the role's trust policy allows this issuer, audience and subject".to_owned()
            }
            Self::Http(_) | Self::Refused { .. } | Self::Unusable { .. } => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::check;

    #[test]
    fn each_error_has_its_status_and_hint() {
        let provider = || "aws".parse().unwrap();
        let http = |error| AwsError::Http(error);
        let unreachable = HttpError::NotSent { host: "x".to_owned(), reason: "x".to_owned() };
        let refused = |later| AwsError::Refused { code: Untrusted::new("x"), message: None, later };
        check(&[
            (&AwsError::NotConfigured(provider()), Status::Config, "aws_role"),
            (&AwsError::NoRole(provider()), Status::Config, "--role"),
            (&AwsError::NotJwt(provider()), Status::Failed, "openid"),
            (&AwsError::Region(Untrusted::new("x")), Status::Config, "AWS_REGION"),
            (&AwsError::Acquire(AcquireError::Gone(provider())), Status::LoginRequired, "authctl login aws"),
            (&http(HttpError::Setup("x".to_owned())), Status::Config, ""),
            (&http(unreachable), Status::Unreachable, ""),
            (&refused(true), Status::Unreachable, ""),
            (&refused(false), Status::Failed, "trust policy"),
            (&AwsError::Unusable { reason: "x", status: 200, size: 1 }, Status::Failed, ""),
            (&AwsError::Store(StoreError::Locked), Status::Store, "authctl store unlock"),
        ]);
    }
}
