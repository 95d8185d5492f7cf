//! Hands out a token as a credential, with its expiry and claims.

use std::rc::Rc;

use super::acquisition::Acquisition;
use super::decision::{Reason, id_token_suits, lasts};
use super::error::AcquireError;
use crate::oauth::dpop::Prover;
use crate::provider::Grant;
use crate::secret::AccessToken;
use crate::store::record::{Record, StoredToken};
use crate::token::{Credential, Issued, TokenType};

impl Acquisition<'_> {
    /// Hands out the stored token.
    pub(super) fn hand_out(&self, record: Option<&Record>) -> Result<Issued, AcquireError> {
        let Some(record) = record else { return Err(self.login_required(Reason::NotLoggedIn)) };
        let Some(token) = record.token(&self.requirements.key) else {
            return Err(self.login_required(Reason::NotLoggedIn));
        };
        if self.requirements.id_token && record.id_token.is_none() {
            return Err(self.login_required(Reason::NoIdToken));
        }
        if self.requirements.id_token && !id_token_suits(record, &self.requirements, self.now()) {
            return Err(self.login_required(Reason::IdTokenEnded));
        }
        self.note_new_scopes(record);
        self.checked(self.issued(record, token)?)
    }

    /// The configuration may have more scopes than the login requested, and the token lacks them.
    fn note_new_scopes(&self, record: &Record) {
        let missing = self.provider.source.scopes().difference(&record.requested_scopes);
        if self.requirements.interactive
            && self.request.scopes.is_none()
            && !missing.is_empty()
            && !record.requested_scopes.is_empty()
        {
            let command = format!("authctl login {}", self.provider.name);
            self.session.system.prompter.note(&format_args!(
                "the configuration now requests the scope {missing}, which this login lacks: run `{command}` to get it"
            ));
        }
    }

    pub(super) fn issued(&self, record: &Record, token: &StoredToken) -> Result<Issued, AcquireError> {
        let context = self.session.context(&self.provider.name);
        let prover = match token.token_type {
            TokenType::Dpop => self.provider.source.stored_prover(&context, record),
            _ => Ok(None),
        };
        let prover = prover.map_err(|error| self.failed(error))?;
        let credential = credential(&token.access_token, token.token_type, prover);
        Ok(Issued {
            credential: credential.ok_or_else(|| self.login_required(Reason::KeyLost))?,
            expires_at: token.life.expires_at,
            scopes: token.scopes.clone(),
            id_token: record.id_token.clone(),
        })
    }

    pub(super) fn issued_of(&self, grant: &Grant) -> Result<Issued, AcquireError> {
        let tokens = &grant.tokens;
        let credential = credential(&tokens.access_token, tokens.token_type, grant.prover.clone());
        Ok(Issued {
            credential: credential.ok_or_else(|| self.login_required(Reason::KeyLost))?,
            expires_at: tokens.life.expires_at,
            scopes: tokens.scope.clone(),
            id_token: None,
        })
    }

    /// Checks the lifetime that the caller requires.
    pub(super) fn checked(&self, issued: Issued) -> Result<Issued, AcquireError> {
        match (self.requirements.min_ttl, issued.expires_at) {
            (Some(wanted), Some(ends)) if !lasts(Some(ends), &self.requirements, self.now()) => {
                Err(AcquireError::TooShort { wanted, ends })
            }
            _ => Ok(issued),
        }
    }
}

/// The credential for a token. `None` if the key that it is bound to is missing: such a token is useless (RFC 9449
/// section 5).
pub(crate) fn credential(
    token: &AccessToken,
    token_type: TokenType,
    prover: Option<Rc<Prover>>,
) -> Option<Credential> {
    Some(match token_type {
        TokenType::Bearer => Credential::Bearer(token.clone()),
        TokenType::Dpop => Credential::Dpop(token.clone(), prover?),
        TokenType::NotApplicable => Credential::Untyped(token.clone()),
    })
}
