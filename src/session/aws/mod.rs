//! Exchanges a provider's token for AWS credentials (STS, AssumeRoleWithWebIdentity), and stores them with the
//! provider's tokens until they expire. The AWS helper and `serve` share it.

mod credentials;
mod error;
mod role;
mod sts;
mod web_identity;

pub use self::credentials::credentials;
pub use self::error::AwsError;
pub use self::role::{Role, is_configured};
pub use self::sts::AwsCredentials;
