//! Why an ID token was rejected.

use crate::text::untrusted::Untrusted;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    #[error("the ID token is not a signed JWT")]
    Malformed,
    #[error(
        "the ID token is signed with {found} instead of {expected}; if the client is registered for another algorithm, set id_token_signed_response_alg"
    )]
    Algorithm { found: Untrusted, expected: String },
    /// No server key matches, or the signature is wrong. Fetching the key set again may fix it (OpenID Connect Core
    /// section 10.1.1).
    #[error("the ID token's signature cannot be verified with the server's keys")]
    Signature,
    #[error("the ID token has no `{0}` claim")]
    Missing(&'static str),
    #[error("the ID token's `{claim}` is {found}, {problem}")]
    Mismatch { claim: &'static str, found: Untrusted, problem: String },
    /// The tokens of a refresh belong to another user or issuer than the login's (OpenID Connect Core section 12.2).
    #[error("the ID token is for a different user or issuer than the login: its `{claim}` is {found}")]
    OtherOwner { claim: &'static str, found: Untrusted },
    /// A claim that holds a secret or a long value does not match.
    #[error("the ID token's `{0}` does not match the request")]
    Disagrees(&'static str),
}

impl IdTokenError {
    /// Whether a wrong clock alone may explain it.
    pub fn is_about_time(&self) -> bool {
        matches!(self, Self::Mismatch { claim: "exp" | "iat", .. } | Self::Disagrees("nbf"))
    }
}
