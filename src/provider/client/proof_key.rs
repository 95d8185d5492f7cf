//! The key that the client's tokens are bound to (RFC 9449).

use std::rc::Rc;

use super::oauth_client::OAuthClient;
use crate::oauth::dpop::Prover;
use crate::provider::context::Context;
use crate::provider::error::ProviderError;
use crate::store::record::Record;

impl OAuthClient {
    /// The prover for new tokens, if the configuration binds them: with the stored key or a new one.
    pub fn new_prover(
        &self,
        context: &Context<'_>,
        stored: Option<&Record>,
    ) -> Result<Option<Rc<Prover>>, ProviderError> {
        if !self.use_dpop {
            return Ok(None);
        }
        if let Some(prover) = stored.map(|record| self.stored_prover(context, record)).transpose()?.flatten()
        {
            return Ok(Some(prover));
        }
        let (clock, random) = (context.system.clock.clone(), context.system.random.clone());
        Ok(Some(Rc::new(Prover::generate(clock, random)?)))
    }

    /// The prover for a record's tokens, if they are bound to a key. Unbound tokens stay unbound: a server without DPoP
    /// would have rotated the refresh token by the time authctl notices.
    pub fn stored_prover(
        &self,
        context: &Context<'_>,
        record: &Record,
    ) -> Result<Option<Rc<Prover>>, ProviderError> {
        let Some(key) = &record.dpop_key else { return Ok(None) };
        let (clock, random) = (context.system.clock.clone(), context.system.random.clone());
        Ok(Some(Rc::new(Prover::kept(key, &record.dpop_nonces, clock, random)?)))
    }
}
