//! Inspects a token: its claims, its signature and what the server reports about it.

use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use super::Session;
use super::acquire::{AcquireError, AcquireRequest, token};
use crate::config::Provider;
use crate::oauth::jwt::Jwt;
use crate::provider::ProviderError;
use crate::secret::SecretText;
use crate::store::Lookup;
use crate::text::causes::with_causes;

#[derive(Debug)]
pub struct Inspection {
    /// The header and claims; `None` for an opaque token.
    pub jwt: Option<Jwt>,
    pub signature: Signature,
    /// The server's introspection.
    pub introspection: Introspection,
}

/// What a server reports about a token, or why it does not; `None` if it does not support introspection.
pub type Introspection = Option<Result<Map<String, Value>, String>>;

/// The result of checking a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// One of the server's keys signed the token.
    Verified,
    /// None of the server's keys signed it.
    Wrong,
    /// The signature cannot be checked, for this reason.
    Unchecked(String),
}

/// Gets a token, refreshed first if necessary, and inspects it.
pub fn inspect(
    session: &Session<'_>,
    provider: &Provider,
    options: &AcquireRequest,
) -> Result<Inspection, AcquireError> {
    let issued = token(session, provider, options)?;
    let secret = match (&issued.id_token, options.id_token) {
        (Some(id_token), true) => SecretText::new(id_token.expose()),
        _ => issued.credential.bare(),
    };
    let jwt = Jwt::decode(secret.expose());
    let signature = jwt.as_ref().map_or_else(
        || Signature::Unchecked("it is not a JWT".to_owned()),
        |jwt| check(session, provider, &secret, jwt),
    );
    let introspection = introspect(session, provider, options, &secret)?;
    Ok(Inspection { jwt, signature, introspection })
}

fn check(session: &Session<'_>, provider: &Provider, token: &SecretText, jwt: &Jwt) -> Signature {
    if !provider.source.is_oauth() {
        return Signature::Unchecked("no server is configured whose keys could verify it".to_owned());
    }
    let algorithm = jwt.algorithm().parse::<Algorithm>();
    let algorithm = match algorithm {
        Ok(algorithm) if !jwt.algorithm().starts_with("HS") => algorithm,
        _ => {
            let name = crate::text::untrusted::Untrusted::new(jwt.algorithm());
            return Signature::Unchecked(format!("{name} is not a public-key algorithm"));
        }
    };
    let context = session.context(&provider.name);
    match provider.source.has_signed(&context, token.expose(), algorithm, jwt.key_id()) {
        Ok(true) => Signature::Verified,
        Ok(false) => Signature::Wrong,
        Err(error) => Signature::Unchecked(with_causes(&error)),
    }
}

fn introspect(
    session: &Session<'_>,
    provider: &Provider,
    options: &AcquireRequest,
    token: &SecretText,
) -> Result<Introspection, AcquireError> {
    if !provider.source.is_oauth() || options.id_token {
        return Ok(None);
    }
    let account = options.account.as_ref();
    let found = session.store.find(&provider.name, account, &provider.source.binding())?;
    let Lookup::Found(record, _) = found else { return Ok(None) };
    let context = session.context(&provider.name);
    Ok(match provider.source.introspect(&context, &record, token.expose()) {
        Ok(answer) => answer.map(Ok),
        Err(ProviderError::Unconfigured { .. } | ProviderError::NotOffered(_)) => None,
        Err(error) => Some(Err(with_causes(&error))),
    })
}
