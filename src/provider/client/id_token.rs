//! Validates the ID token that comes with other tokens, using the server's keys.

use super::oauth_client::OAuthClient;
use super::server::Server;
use crate::discovery;
use crate::oauth::id_token::{self, AcceptedIssuer, Claims, Expected, IdTokenError};
use crate::provider::context::Context;
use crate::provider::error::ProviderError;
use crate::secret::{ClientSecret, Nonce};
use crate::token::TokenSet;

/// The parts of an authentication request that its ID token must agree with.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuthenticationRequest<'a> {
    pub client_id: Option<&'a str>,
    pub nonce: Option<&'a Nonce>,
    /// `max_age`, in seconds.
    pub max_age: Option<i64>,
}

impl OAuthClient {
    /// The issuers that a server's ID token may name.
    pub(crate) fn accepted_issuer<'a>(&'a self, issuer: &'a str) -> AcceptedIssuer<'a> {
        let quirks = &self.quirks;
        AcceptedIssuer { issuer, other: quirks.id_token_issuer.as_deref(), tenant: quirks.tenant_issuer }
    }

    /// Validates the ID token that came with other tokens, if there is one, and returns its claims.
    pub fn validate_id_token(
        &self,
        context: &Context<'_>,
        server: &Server<'_>,
        tokens: &TokenSet,
        request: &AuthenticationRequest<'_>,
    ) -> Result<Option<Claims>, ProviderError> {
        let Some(token) = tokens.id_token.as_ref().filter(|_| self.can("id_token")) else { return Ok(None) };
        let algorithms = server.id_token_algorithms();
        let symmetric = !algorithms.is_empty()
            && algorithms.iter().all(|algorithm| format!("{algorithm:?}").starts_with("HS"));
        let client_secret = match &self.client.secret {
            Some(source) if symmetric => Some(ClientSecret::new(self.resolve(context, source)?.expose())),
            _ => None,
        };
        let issuer = server.issuer();
        let expected = Expected {
            issuer: self.accepted_issuer(&issuer),
            client_id: request.client_id.unwrap_or_default(),
            nonce: request.nonce,
            algorithms: &algorithms,
            client_secret: client_secret.as_ref(),
            access_token: Some(&tokens.access_token),
            max_age: request.max_age,
            now: context.system.clock.now(),
        };
        if symmetric {
            return Ok(Some(id_token::validate(token, &crate::oauth::jose::KeySet::default(), &expected)?));
        }
        // Until now, the server may be known only from configured endpoints.
        let uri = self.server(context, &["jwks_uri"])?.endpoint("jwks_uri")?;
        let keys = |fresh| discovery::key_set(context.system, &uri, &self.transport, fresh);
        match id_token::validate(token, &keys(context.refresh_metadata)?, &expected) {
            // The server may have changed its keys since they were fetched (OpenID Connect Core section 10.1.1).
            Err(IdTokenError::Signature) => Ok(Some(id_token::validate(token, &keys(true)?, &expected)?)),
            claims => Ok(Some(claims?)),
        }
    }
}
