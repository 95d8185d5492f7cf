//! Waits until the user has consented elsewhere: asks the token endpoint at the pace that the server wants (RFC 8628
//! section 3.5, CIBA Core section 10.1).

use std::time::Duration;

use super::oauth::{OAuth, TokenCall};
use super::{Context, ProviderError};
use crate::oauth::answer::EndpointError;
use crate::oauth::dpop::Prover;
use crate::oauth::form::Form;
use crate::oauth::polling::Polling;
use crate::oauth::token_endpoint::TokenEndpoint;
use crate::ports::{Held, HttpError};
use crate::token::TokenSet;

/// How often signals are looked for.
const SLICE: Duration = Duration::from_millis(100);

/// What is asked for, and where.
pub struct Consent<'a> {
    /// The client.
    pub oauth: &'a OAuth,
    /// The token endpoint.
    pub endpoint: &'a TokenEndpoint,
    /// The grant.
    pub grant_type: &'a str,
    /// Its parameters.
    pub form: &'a Form,
    /// What proves the key that the tokens are to be bound to.
    pub prover: Option<&'a Prover>,
    /// How long the user is waited for.
    pub limit: Duration,
}

/// Asks until there are tokens, the user said no, or the codes have ended.
///
/// # Errors
/// [`ProviderError`]: a refusal, [`ProviderError::TimedOut`], [`ProviderError::Interrupted`].
pub fn wait_for_tokens(
    context: &Context<'_>,
    consent: &Consent<'_>,
    mut pace: Polling,
) -> Result<TokenSet, ProviderError> {
    let clock = &context.system.clock;
    let held = context.system.signals.hold();
    let _waiting = context.system.console.wait("Waiting for you to consent (Ctrl-C ends it)");
    loop {
        let Some(pause) = pace.next(clock.elapsed()) else {
            return Err(ProviderError::TimedOut(consent.limit));
        };
        sleep(context, &*held, pause)?;
        let call = TokenCall {
            grant_type: consent.grant_type,
            form: consent.form,
            prover: consent.prover,
            exchange: None,
        };
        match consent.oauth.request_tokens(context, consent.endpoint, &call) {
            Ok(tokens) => return Ok(tokens),
            Err(ProviderError::Token(error)) if error.is("authorization_pending") => pace.pending(),
            Err(ProviderError::Token(EndpointError::Refused(refusal))) if refusal.code == "slow_down" => {
                pace.slow_down(refusal.interval);
            }
            Err(ProviderError::Token(EndpointError::TryLater { retry_after, .. })) => {
                pace.unanswered(retry_after);
            }
            // A fault of the network does not end a login (D7).
            Err(ProviderError::Http(HttpError::NotSent { .. } | HttpError::AnswerLost { .. })) => {
                pace.unanswered(None);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Lets time pass, but not past a Ctrl-C.
fn sleep(context: &Context<'_>, held: &dyn Held, pause: Duration) -> Result<(), ProviderError> {
    let clock = &context.system.clock;
    let end = clock.elapsed().saturating_add(pause);
    loop {
        if let Some(signal) = held.caught() {
            return Err(ProviderError::Interrupted(signal));
        }
        let left = end.saturating_sub(clock.elapsed());
        if left.is_zero() {
            return Ok(());
        }
        clock.sleep(left.min(SLICE));
    }
}
