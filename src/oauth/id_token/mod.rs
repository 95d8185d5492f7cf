//! Id tokens: their validation at a login and after a refresh (OpenID Connect Core sections 3.1.3.7 and 12.2).

mod accepted_issuer;
mod claims;
mod error;
mod refreshed;
#[cfg(test)]
mod tests;
mod validation;

pub use self::accepted_issuer::AcceptedIssuer;
pub use self::claims::{Claims, stored_claims, stored_expiry};
pub use self::error::IdTokenError;
pub use self::refreshed::{Owner, check_refreshed};
pub use self::validation::{Expected, validate};
