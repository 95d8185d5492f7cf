//! Why an id token is refused.

use crate::text::untrusted::Untrusted;

/// Why an id token was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// It is no signed JWT.
    #[error("the id token is not a signed JWT")]
    Malformed,
    /// Not the algorithm that the client is registered for.
    #[error(
        "the id token is signed with {found}, and {expected} is expected; if the client is registered for another algorithm, set id_token_signed_response_alg"
    )]
    Algorithm {
        /// What the header says.
        found: Untrusted,
        expected: String,
    },
    /// No key of the server fits, or the signature is wrong. A fresh key set may mend it (OpenID Connect Core section 10.1.1).
    #[error("the id token's signature cannot be verified with the server's keys")]
    Signature,
    /// A claim that must be there is missing.
    #[error("the id token has no `{0}`")]
    Missing(&'static str),
    /// A claim does not agree.
    #[error("the id token's `{claim}` is {found}, {problem}")]
    Mismatch {
        claim: &'static str,
        found: Untrusted,
        /// What is wrong with it.
        problem: String,
    },
    /// The tokens of a refresh belong to another user or issuer than those of the login (OpenID Connect Core section 12.2).
    #[error("the id token is for a different user or issuer than the login: its `{claim}` is {found}")]
    OtherOwner { claim: &'static str, found: Untrusted },
    /// A claim that holds a secret, or a long value, does not agree.
    #[error("the id token's `{0}` does not agree with the request")]
    Disagrees(&'static str),
}

impl IdTokenError {
    /// Whether it may be the fault of a clock alone.
    pub fn is_about_time(&self) -> bool {
        matches!(self, Self::Mismatch { claim: "exp" | "iat", .. } | Self::Disagrees("nbf"))
    }
}
