//! The tokens of elsewhere that a grant works with: whose they are, which is known without the network, and the tokens
//! themselves, which are got only when a new token is needed.

use std::rc::Rc;

use crate::binding::Binding;
use crate::config::Provider;
use crate::config::reach::Consumer;
use crate::name::{AccountName, ProviderName};
use crate::oauth::jwt::Jwt;
use crate::provider::ProviderError;
use crate::provider::subject_token::{Input, Role, Source, Token, Tokens, Which};
use crate::secret::{self, SecretText};
use crate::session::Session;
use crate::session::acquire::{AcquireError, Options, token};
use crate::store::Lookup;

/// RFC 8693 section 3.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const REFRESH_TOKEN: &str = "urn:ietf:params:oauth:token-type:refresh_token";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// What is known of a grant's inputs.
pub(crate) struct Inputs {
    name: ProviderName,
    /// Whose they are: tokens that were got with others are not handed out for these (X5).
    pub(crate) identities: Vec<(Role, String)>,
    /// Nothing is kept of what is got with them (Q6).
    pub(crate) ephemeral: bool,
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
    /// Looks whose tokens they are. What is read anew for every use is read now; of other providers that keep their tokens,
    /// it is enough to look up whose login it is.
    pub(crate) fn look(
        session: &Session<'_>,
        provider: &Provider,
        account: Option<&AccountName>,
    ) -> Result<Self, AcquireError> {
        let mut inputs = Self {
            name: provider.name.clone(),
            identities: Vec::new(),
            ephemeral: provider.source.is_ephemeral(),
            pending: Vec::new(),
        };
        for input in provider.source.inputs() {
            let (identity, state) = inputs.look_at(session, provider, account, input)?;
            inputs.identities.push((input.role, identity));
            inputs.pending.push(Pending { role: input.role, state });
        }
        Ok(inputs)
    }

    /// Gets the tokens: those of other providers refreshed first where they must be.
    pub(crate) fn fetch(&self, session: &Session<'_>) -> Result<Tokens, AcquireError> {
        let mut tokens = Tokens::default();
        for pending in &self.pending {
            let token = match &pending.state {
                State::Here(token) => token.clone(),
                State::Of(needed, account, which) => {
                    self.get(&self.session_of(session, needed), needed, account.as_ref(), *which)?
                }
            };
            match pending.role {
                Role::Subject => tokens.subject = Some(token),
                Role::Actor => tokens.actor = Some(token),
            }
        }
        Ok(tokens)
    }

    fn look_at(
        &mut self,
        session: &Session<'_>,
        provider: &Provider,
        account: Option<&AccountName>,
        input: &Input,
    ) -> Result<(String, State), AcquireError> {
        let failed = |source: ProviderError| AcquireError::Provider { name: provider.name.clone(), source };
        let here = |secret: SecretText| {
            let token = Token { token_type: type_of(&secret), secret, only_to: None, lock: None };
            (fingerprint(&token.secret), State::Here(token))
        };
        match &input.source {
            Source::Secret(source) => {
                let binding = provider.source.binding();
                let secret = session.context(&provider.name).secrets(&binding).resolve(source);
                let secret = secret.map_err(|error| failed(error.into()))?;
                // A projected file may have blanks around the token (Q3).
                Ok(here(SecretText::new(secret.expose().trim())))
            }
            Source::Standard if session.system.input.is_terminal() => {
                Err(failed(ProviderError::NothingPiped))
            }
            Source::Standard => {
                let text = session.system.input.read_all(secret::LONGEST).map_err(|error| {
                    failed(ProviderError::Unusable(format!("standard input cannot be read: {error}")))
                })?;
                let text = SecretText::new(text.expose().trim());
                if text.expose().is_empty() {
                    return Err(failed(ProviderError::Unusable("standard input has no token".to_owned())));
                }
                Ok(here(text))
            }
            Source::Provider { name, account: written, which } => {
                let needed = session.config.provider(name)?;
                let account = written.as_ref().or(account);
                self.look_at_provider(session, needed, account, *which)
            }
        }
    }

    fn look_at_provider(
        &mut self,
        session: &Session<'_>,
        needed: Provider,
        account: Option<&AccountName>,
        which: Which,
    ) -> Result<(String, State), AcquireError> {
        let session = &self.session_of(session, &needed);
        // A chain that begins at another's token is another chain, all the way.
        let further = Self::look(session, &needed, account).map_err(|source| self.needed(&needed, source))?;
        self.ephemeral |= further.ephemeral;
        let configured = needed.source.binding();
        let find = || session.store.find(&needed.name, account, &configured);
        // Nothing of it is stored, or not yet: then its token says whose it is.
        if !needed.source.keeps_tokens() || further.ephemeral || !matches!(find()?, Lookup::Found(..)) {
            let token = self.get(session, &needed, account, which)?;
            return Ok((fingerprint(&token.secret), State::Here(token)));
        }
        let Lookup::Found(record, _) = find()? else {
            return Err(self.needed(&needed, AcquireError::Gone(needed.name.clone())));
        };
        // A new login may be another person's, or have other scopes.
        let mut identity = Binding::default()
            .with("provider", needed.name.as_str())
            .with("account", record.account.as_str())
            .with("subject", record.subject.clone().unwrap_or_default())
            .with("login", record.logged_in_at.to_string())
            .with("binding", record.binding.fingerprint());
        for (role, of) in &further.identities {
            identity = identity.with(&format!("its {}", role.name()), of);
        }
        let state = State::Of(Box::new(needed), account.cloned(), which);
        Ok((identity.fingerprint(), state))
    }

    fn session_of<'a>(&self, session: &Session<'a>, needed: &Provider) -> Session<'a> {
        session.consumed_by(Consumer::Provider(self.name.clone()), &needed.name)
    }

    fn get(
        &self,
        session: &Session<'_>,
        needed: &Provider,
        account: Option<&AccountName>,
        which: Which,
    ) -> Result<Token, AcquireError> {
        fetch(session, needed, account, which).map_err(|source| self.needed(needed, source))
    }

    fn needed(&self, needed: &Provider, source: AcquireError) -> AcquireError {
        AcquireError::Needed {
            name: self.name.clone(),
            needed: needed.name.clone(),
            source: Box::new(source),
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
        let Lookup::Found(found, kind) =
            session.store.find(&needed.name, account, &needed.source.binding())?
        else {
            // Says what is to be done, such as to log in.
            return token(session, needed, &options).and(Err(missing("a refresh token")));
        };
        // Nobody rotates it while it is shown elsewhere: what was rotated away ends the whole family (F-ROT1).
        let name = found.name(&needed.name);
        let lock = session.store.lock(kind, &name)?;
        let record = session.store.read(kind, &name, &found.binding)?;
        let record = record.ok_or_else(|| AcquireError::Gone(needed.name.clone()))?;
        let secret = record.refresh_token.as_ref().ok_or_else(|| missing("a refresh token"))?;
        return Ok(Token {
            secret: SecretText::new(secret.expose()),
            token_type: REFRESH_TOKEN,
            only_to: Some(record.binding.get(Binding::TOKEN_ENDPOINT).unwrap_or_default().to_owned()),
            lock: Some(Rc::new(lock)),
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
            (secret.clone(), type_of(&secret))
        }
    };
    Ok(Token { secret, token_type, only_to: None, lock: None })
}

/// What a token seems to be (RFC 8693 section 3).
fn type_of(token: &SecretText) -> &'static str {
    if Jwt::decode(token.expose()).is_some() { JWT } else { ACCESS_TOKEN }
}

/// Tells two tokens apart. What a token says of itself is not believed: nothing has verified it.
fn fingerprint(token: &SecretText) -> String {
    Binding::default().with("token", token.expose()).fingerprint()
}
