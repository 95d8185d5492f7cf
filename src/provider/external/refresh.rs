//! Refreshes a token with a provider program.

use super::program::ProviderProgram;
use crate::name::ScopeSet;
use crate::oauth::answer::EndpointError;
use crate::oauth::rotation;
use crate::ports::ProcessError;
use crate::provider::context::Context;
use crate::provider::error::ProviderError;
use crate::provider::grant::Grant;
use crate::provider::refresh::{PreparedRefresh, RefreshOutcome};
use crate::secret::SecretText;
use crate::token::TokenSet;

/// A refresh by the program, ready to be sent.
pub(super) struct ProgramRefresh<'a> {
    pub(super) program: &'a ProviderProgram,
    pub(super) context: &'a Context<'a>,
    pub(super) input: SecretText,
    pub(super) requested_scopes: ScopeSet,
}

impl PreparedRefresh for ProgramRefresh<'_> {
    fn send(&self) -> RefreshOutcome {
        let printed = match self.program.run(self.context, &self.input, self.program.timeout) {
            Ok(printed) => printed,
            Err(error @ ProcessError::NotStarted { .. }) => return RefreshOutcome::NotSent(error.into()),
            Err(error) => return RefreshOutcome::Unknown(error.into()),
        };
        let now = self.context.system.clock.now();
        let tokens = self.program.read(&printed).and_then(|object| self.program.token_set(&object, now));
        let is_refusal = |problem: &ProviderError| match problem {
            ProviderError::Token(EndpointError::Refused(refusal)) => {
                refusal.code == "not_supported" || rotation::is_refusal(&refusal.code)
            }
            problem => matches!(problem, ProviderError::LoginRequired(_)),
        };
        RefreshOutcome::of(tokens, rotation::carried_by_output(printed.expose()), is_refusal)
    }

    fn judge(&self, tokens: TokenSet) -> Result<Grant, ProviderError> {
        Ok(self.program.grant(tokens, self.requested_scopes.clone()))
    }
}
