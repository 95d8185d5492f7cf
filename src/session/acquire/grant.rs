//! Stores a grant's tokens in a record.

use super::acquisition::Acquisition;
use crate::name::ScopeSet;
use crate::provider::Grant;
use crate::store::record::{Record, StoredToken};

impl Acquisition<'_> {
    /// Stores the grant's tokens in the record. Returns granted scopes that were not requested: the record does not
    /// keep such an access token.
    pub(super) fn apply_grant(&self, record: &mut Record, grant: &Grant) -> Option<ScopeSet> {
        let tokens = &grant.tokens;
        // RFC 6749 section 6: a new refresh token replaces the old one; without a new one, the old one remains.
        if let Some(refresh_token) = &tokens.refresh_token {
            record.refresh_token = Some(refresh_token.clone());
        }
        if grant.claims.is_some() {
            record.id_token.clone_from(&tokens.id_token);
        }
        record.set_proof(grant.prover.as_deref(), grant.certificate.as_ref());
        record.issuer = grant.issuer.clone().or(record.issuer.take());
        let wider = match (&self.request.scopes, &tokens.scope) {
            (Some(asked), Some(granted)) if !granted.is_subset(asked) => Some(granted.difference(asked)),
            _ => None,
        };
        if wider.is_none() {
            let scopes = tokens
                .scope
                .clone()
                .or_else(|| self.request.scopes.clone())
                .or_else(|| record.granted_scopes.clone());
            if self.request.scopes.is_none() {
                record.requested_scopes = grant.requested_scopes.clone();
                record.granted_scopes = scopes.clone().or_else(|| Some(grant.requested_scopes.clone()));
            }
            let token = StoredToken::of(tokens, scopes);
            record.insert_token(&self.requirements.key, token);
        }
        wider
    }
}
