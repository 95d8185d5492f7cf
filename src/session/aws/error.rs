//! Why there are no AWS credentials.

use crate::advice::{Advise, Status};
use crate::name::ProviderName;
use crate::ports::HttpError;
use crate::session::acquire::AcquireError;
use crate::store::StoreError;
use crate::text::untrusted::Untrusted;

#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// The provider's configuration does not name AWS, so its token is not for AWS (F-AWS1).
    #[error("`{0}` is not configured for AWS, so its token is not sent there")]
    NotConfigured(ProviderName),
    /// Neither the configuration nor the caller names a role.
    #[error("no AWS role is configured for `{0}`")]
    NoRole(ProviderName),
    /// AWS takes an OpenID token, and there is only something else (F-AWS1).
    #[error("AWS accepts only a signed JWT with an issuer, and `{0}` did not supply one; nothing was sent")]
    NotJwt(ProviderName),
    /// The region is none.
    #[error("{0} is not an AWS region")]
    Region(Untrusted),
    /// There is no token to trade.
    #[error(transparent)]
    Acquire(#[from] AcquireError),
    /// The service cannot be reached.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The service says no.
    #[error("the security token service answered {code}{}", message.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    Refused {
        /// The error's code.
        code: Untrusted,
        /// What it says of it.
        message: Option<Untrusted>,
        /// Whether it may say otherwise later.
        later: bool,
    },
    /// The answer is none that is documented. It is not part of the text: it may hold keys.
    #[error("the security token service's answer cannot be used: {reason} (status {status}, {size} bytes)")]
    Unusable {
        /// What is wrong.
        reason: &'static str,
        status: u16,
        /// The size of the body.
        size: usize,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Advise for AwsError {
    fn status(&self) -> Status {
        match self {
            Self::NotConfigured(_) | Self::NoRole(_) | Self::Region(_) | Self::Http(HttpError::Setup(_)) => {
                Status::Config
            }
            Self::Acquire(error) => error.status(),
            Self::Http(error) if error.is_transient() => Status::Unreachable,
            Self::Refused { later: true, .. } => Status::Unreachable,
            Self::Store(error) => error.status(),
            Self::NotJwt(_) | Self::Http(_) | Self::Refused { .. } | Self::Unusable { .. } => Status::Failed,
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
            Self::Region(_) => "set helper.aws_region, or AWS_REGION, to one like eu-central-1".to_owned(),
            Self::Acquire(error) => return error.hint(),
            Self::Store(error) => return error.hint(),
            Self::Refused { later: false, .. } => {
                "does the role's trust policy name this issuer, its audience and this subject?".to_owned()
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
