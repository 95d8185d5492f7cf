//! Checks that a refresh's tokens belong to the login's user and issuer (OpenID Connect Core section 12.2).

use super::accepted_issuer::AcceptedIssuer;
use super::claims::{Claims, stored_claims};
use super::error::IdTokenError;
use crate::secret::IdToken;
use crate::text::untrusted::Untrusted;

/// Checks the ID token of a refresh against the login's (OpenID Connect Core section 12.2): the same issuer and
/// subject, the same login time and authorized party, and the same nonce if it has one.
pub fn check_refreshed(
    refreshed: &Claims,
    original: Option<&Claims>,
    subject: Option<&str>,
) -> Result<(), IdTokenError> {
    if subject.is_some_and(|subject| subject != refreshed.subject()) {
        return Err(IdTokenError::Disagrees("sub"));
    }
    let Some(original) = original else { return Ok(()) };
    for claim in ["iss", "sub"] {
        if original.text(claim) != refreshed.text(claim) {
            return Err(IdTokenError::Disagrees(claim));
        }
    }
    // A refreshed token may leave these out, but must not change them. Only `auth_time` may be new, if the login had
    // none.
    for claim in ["auth_time", "azp", "nonce"] {
        let (before, now) = (original.0.get(claim), refreshed.0.get(claim));
        let is_news = claim == "auth_time" && before.is_none();
        if now.is_some() && now != before && !is_news {
            return Err(IdTokenError::Disagrees(claim));
        }
    }
    Ok(())
}

/// The user and issuer that a refresh's tokens must belong to: the login's (OpenID Connect Core section 12.2).
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// The configured issuer or that of its metadata, for a login that did not record one.
    pub issuer: AcceptedIssuer<'a>,
    pub original: Option<&'a Claims>,
    /// The user's identifier at the issuer, if the login recorded it.
    pub subject: Option<&'a str>,
}

impl Owner<'_> {
    /// Checks that an ID token does not name another user or issuer. The token need not be valid; an unreadable one
    /// names nobody.
    pub fn check(&self, token: &IdToken) -> Result<(), IdTokenError> {
        let Some(claims) = stored_claims(token) else { return Ok(()) };
        let original = |claim| self.original.and_then(|original| original.text(claim));
        let other = |claim, found: &str| IdTokenError::OtherOwner { claim, found: Untrusted::new(found) };
        if let Some(subject) = claims.text("sub").filter(|subject| !subject.is_empty())
            && self.subject.or(original("sub")).is_some_and(|known| known != subject)
        {
            return Err(other("sub", subject));
        }
        let Some(issuer) = claims.text("iss") else { return Ok(()) };
        let is_ours = match original("iss") {
            Some(known) => known == issuer,
            None => self.issuer.accepts(issuer, claims.text("tid")),
        };
        if is_ours { Ok(()) } else { Err(other("iss", issuer)) }
    }
}
