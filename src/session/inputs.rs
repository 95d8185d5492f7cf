//! The tokens of elsewhere that a grant works with: whose they are, which is known without the network, and the tokens
//! themselves, which are got only when a new token is needed.

use serde_json::Value;

use super::Session;
use super::acquire::{AcquireError, Options, token};
use crate::binding::Binding;
use crate::config::Provider;
use crate::name::{AccountName, ProviderName};
use crate::oauth::jwt::Jwt;
use crate::provider::ProviderError;
use crate::provider::input::{Input, Role, Source, Token, Tokens, Which};
use crate::secret::SecretText;
use crate::setting::SecretSource;
use crate::store::Lookup;

/// The longest token that is read from standard input.
const LONGEST_TOKEN: usize = 1 << 20;
/// RFC 8693 section 3.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const REFRESH_TOKEN: &str = "urn:ietf:params:oauth:token-type:refresh_token";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// What is known of a grant's inputs.
pub(super) struct Inputs {
    name: ProviderName,
    /// Whose they are: tokens that were got with others are not handed out for these (X5).
    pub(super) identities: Vec<(Role, String)>,
    pending: Vec<Pending>,
}

/// An input whose token is here already, or is yet to be got.
struct Pending {
    role: Role,
    state: State,
}

enum State {
    Here(Token),
    Of(Box<Provider>, Option<AccountName>, Which),
}

impl Inputs {
    /// Looks whose tokens they are. What is read anew for every use is read now; other providers are only looked up.
    pub(super) fn look(session: &Session<'_>, provider: &Provider) -> Result<Self, AcquireError> {
        let mut inputs = Self { name: provider.name.clone(), identities: Vec::new(), pending: Vec::new() };
        for input in provider.source.inputs() {
            let (identity, state) = look(session, provider, input)?;
            inputs.identities.push((input.role, identity));
            inputs.pending.push(Pending { role: input.role, state });
        }
        Ok(inputs)
    }

    /// Gets the tokens: those of other providers refreshed first where they must be.
    pub(super) fn fetch(&self, session: &Session<'_>) -> Result<Tokens, AcquireError> {
        let mut tokens = Tokens::default();
        for pending in &self.pending {
            let token = match &pending.state {
                State::Here(token) => token.clone(),
                State::Of(needed, account, which) => fetch(session, needed, account.as_ref(), *which)
                    .map_err(|source| AcquireError::Needed {
                        name: self.name.clone(),
                        needed: needed.name.clone(),
                        source: Box::new(source),
                    })?,
            };
            match pending.role {
                Role::Subject => tokens.subject = Some(token),
                Role::Actor => tokens.actor = Some(token),
            }
        }
        Ok(tokens)
    }
}

fn look(session: &Session<'_>, provider: &Provider, input: &Input) -> Result<(String, State), AcquireError> {
    let failed = |source: ProviderError| AcquireError::Provider { name: provider.name.clone(), source };
    let here = |secret: SecretText| {
        let token_type = if claims(&secret).is_some() { JWT } else { ACCESS_TOKEN };
        (identity(&secret), State::Here(Token { secret, token_type, only_to: None }))
    };
    match &input.source {
        Source::Secret(source) => {
            let binding = provider.source.binding();
            let context = session.context(&provider.name);
            let secret = context.secrets(&binding).resolve(source);
            let secret = secret.map_err(|error| failed(error.into()))?;
            // A projected file may have blanks around the token (Q3).
            Ok(here(match source {
                SecretSource::File(_) => SecretText::new(secret.expose().trim()),
                _ => secret,
            }))
        }
        Source::Standard => {
            let text = session.system.input.read_all(LONGEST_TOKEN).map_err(|error| {
                failed(ProviderError::Unusable(format!("standard input cannot be read: {error}")))
            })?;
            let text = SecretText::new(text.expose().trim());
            if text.expose().is_empty() {
                return Err(failed(ProviderError::Unusable("standard input has no token".to_owned())));
            }
            Ok(here(text))
        }
        Source::Provider { name, account, which } => {
            let needed = session.config.provider(name)?;
            // What the platform hands over is cheap to get, and nothing is stored that says whose it is.
            if !needed.source.keeps_tokens() {
                let token = fetch(session, &needed, account.as_ref(), *which).map_err(|source| {
                    AcquireError::Needed {
                        name: provider.name.clone(),
                        needed: name.clone(),
                        source: Box::new(source),
                    }
                })?;
                return Ok((identity(&token.secret), State::Here(token)));
            }
            let found = session.store.find(name, account.as_ref(), &needed.source.binding())?;
            let identity = match found {
                // A new login may be another person's, or have other scopes.
                Lookup::Found(record, _) => format!(
                    "{name} {} {} {} {}",
                    record.account,
                    record.subject.as_deref().unwrap_or_default(),
                    record.logged_in_at,
                    record.binding.fingerprint()
                ),
                _ => format!("{name} (not logged in)"),
            };
            Ok((identity, State::Of(Box::new(needed), account.clone(), *which)))
        }
    }
}

/// Gets a token of another provider.
fn fetch(
    session: &Session<'_>,
    needed: &Provider,
    account: Option<&AccountName>,
    which: Which,
) -> Result<Token, AcquireError> {
    let options = Options { account: account.cloned(), id_token: which == Which::Id, ..Options::default() };
    let missing = |what: &'static str| AcquireError::Provider {
        name: needed.name.clone(),
        source: ProviderError::NotOffered(what),
    };
    if which == Which::Refresh {
        let found = session.store.find(&needed.name, account, &needed.source.binding())?;
        let Lookup::Found(record, _) = found else {
            // Says what is to be done, such as to log in.
            return token(session, needed, &options).and(Err(missing("a refresh token")));
        };
        let secret = record.refresh_token.as_ref().ok_or_else(|| missing("a refresh token"))?;
        return Ok(Token {
            secret: SecretText::new(secret.expose()),
            token_type: REFRESH_TOKEN,
            only_to: Some(record.binding.get(Binding::TOKEN_ENDPOINT).unwrap_or_default().to_owned()),
        });
    }
    let issued = token(session, needed, &options)?;
    let (secret, token_type) = match which {
        Which::Id => {
            let id_token = issued.id_token.as_ref().ok_or_else(|| missing("an id token"))?;
            (SecretText::new(id_token.expose()), ID_TOKEN)
        }
        _ if needed.source.oauth().is_some() => (issued.credential.bare(), ACCESS_TOKEN),
        _ => {
            let secret = issued.credential.bare();
            let token_type = if claims(&secret).is_some() { JWT } else { ACCESS_TOKEN };
            (secret, token_type)
        }
    };
    Ok(Token { secret, token_type, only_to: None })
}

/// Whose a token is: its claims without those that only say when it was made, or its fingerprint.
fn identity(token: &SecretText) -> String {
    let text = match claims(token) {
        Some(mut claims) => {
            for claim in ["iat", "exp", "nbf", "jti"] {
                claims.remove(claim);
            }
            Value::Object(claims).to_string()
        }
        None => token.expose().to_owned(),
    };
    Binding::default().with("token", text).fingerprint()
}

/// The claims of a token that is a JWT; nothing is verified.
fn claims(token: &SecretText) -> Option<serde_json::Map<String, Value>> {
    Jwt::decode(token.expose()).map(|jwt| jwt.claims)
}
