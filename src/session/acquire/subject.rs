//! The subject tokens of a grant: first their identities, which need no network, then the tokens themselves, which are
//! acquired only if a new token is needed.

use std::rc::Rc;

use super::error::AcquireError;
use super::request::AcquireRequest;
use crate::binding::Binding;
use crate::config::Provider;
use crate::config::reach::Consumer;
use crate::name::{AccountName, ProviderName};
use crate::oauth::jwt::Jwt;
use crate::provider::ProviderError;
use crate::provider::subject_token::{
    Role, Source, SubjectToken, SubjectTokenSource, SubjectTokens, TokenKind,
};
use crate::secret::{self, SecretText};
use crate::session::provider_session::Session;
use crate::store::Lookup;
use crate::token::Issued;

/// RFC 8693 section 3.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const REFRESH_TOKEN: &str = "urn:ietf:params:oauth:token-type:refresh_token";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// Acquires another provider's token. It is a parameter, because that provider may need subject tokens itself.
pub type AcquireToken = fn(&Session<'_>, &Provider, &AcquireRequest) -> Result<Issued, AcquireError>;

/// The subject tokens that a grant needs, as far as they are known.
pub struct PendingSubjectTokens {
    name: ProviderName,
    /// Their identities: a token that was issued for other identities is not handed out for these.
    pub(super) identities: Vec<(Role, String)>,
    /// Whether the store must not keep anything that is issued for them.
    pub(super) ephemeral: bool,
    tokens: Vec<(Role, PendingToken)>,
    acquire: AcquireToken,
}

enum PendingToken {
    Ready(SubjectToken),
    OfProvider(Rc<Provider>, Option<AccountName>, TokenKind),
}

impl PendingSubjectTokens {
    /// Identifies the tokens. A source that is read for every use is read now. For another provider that stores its
    /// tokens, the stored login is enough.
    pub(super) fn identify(
        session: &Session<'_>,
        provider: &Provider,
        account: Option<&AccountName>,
        acquire: AcquireToken,
    ) -> Result<Self, AcquireError> {
        let mut pending = Self {
            name: provider.name.clone(),
            identities: Vec::new(),
            ephemeral: provider.source.is_ephemeral(),
            tokens: Vec::new(),
            acquire,
        };
        for wanted in provider.source.subject_tokens() {
            let (identity, token) = pending.identify_one(session, provider, account, wanted)?;
            pending.identities.push((wanted.role, identity));
            pending.tokens.push((wanted.role, token));
        }
        Ok(pending)
    }

    /// Acquires the tokens. Other providers' tokens are refreshed first if necessary.
    pub(super) fn fetch(&self, session: &Session<'_>) -> Result<SubjectTokens, AcquireError> {
        let mut tokens = SubjectTokens::default();
        for (role, pending) in &self.tokens {
            let token = match pending {
                PendingToken::Ready(token) => token.clone(),
                PendingToken::OfProvider(needed, account, kind) => {
                    self.get(&self.session_of(session, needed), needed, account.as_ref(), *kind)?
                }
            };
            match role {
                Role::Subject => tokens.subject = Some(token),
                Role::Actor => tokens.actor = Some(token),
            }
        }
        Ok(tokens)
    }

    fn identify_one(
        &mut self,
        session: &Session<'_>,
        provider: &Provider,
        account: Option<&AccountName>,
        wanted: &SubjectTokenSource,
    ) -> Result<(String, PendingToken), AcquireError> {
        let failed = |source: ProviderError| AcquireError::Provider { name: provider.name.clone(), source };
        let ready = |secret: SecretText| {
            let token = SubjectToken { token_type: type_of(&secret), secret, only_to: None, _lock: None };
            (fingerprint(&token.secret), PendingToken::Ready(token))
        };
        match &wanted.source {
            Source::Secret(source) => {
                let binding = provider.source.binding();
                let secret = session.context(&provider.name).secrets(&binding).resolve(source);
                let secret = secret.map_err(|error| failed(error.into()))?;
                // A projected file may have white space around the token.
                Ok(ready(SecretText::new(secret.expose().trim())))
            }
            Source::Stdin if session.system.input.is_terminal() => Err(failed(ProviderError::NothingPiped)),
            Source::Stdin => {
                let text = session.system.input.read_all(secret::LONGEST).map_err(|error| {
                    failed(ProviderError::Unusable(format!("cannot read standard input: {error}")))
                })?;
                let text = SecretText::new(text.expose().trim());
                if text.expose().is_empty() {
                    return Err(failed(ProviderError::Unusable(
                        "standard input contains no token".to_owned(),
                    )));
                }
                Ok(ready(text))
            }
            Source::Provider { name, account: configured, kind } => {
                let needed = session.config.provider(name)?;
                let account = configured.as_ref().or(account);
                self.identify_provider(session, needed, account, *kind)
            }
        }
    }

    fn identify_provider(
        &mut self,
        session: &Session<'_>,
        needed: Rc<Provider>,
        account: Option<&AccountName>,
        kind: TokenKind,
    ) -> Result<(String, PendingToken), AcquireError> {
        let session = &self.session_of(session, &needed);
        // A chain that begins with another user's token differs as a whole.
        let further = Self::identify(session, &needed, account, self.acquire)
            .map_err(|source| self.needed(&needed, source))?;
        self.ephemeral |= further.ephemeral;
        let configured = needed.source.binding();
        let find = || session.store.find(&needed.name, account, &configured);
        // The provider stores no token, or none yet: its token is the identity.
        if !needed.source.keeps_tokens() || further.ephemeral || !matches!(find()?, Lookup::Found(..)) {
            let token = self.get(session, &needed, account, kind)?;
            return Ok((fingerprint(&token.secret), PendingToken::Ready(token)));
        }
        let Lookup::Found(record, _) = find()? else {
            return Err(self.needed(&needed, AcquireError::Gone(needed.name.clone())));
        };
        // A new login may belong to another person or have other scopes.
        let mut identity = Binding::default()
            .with("provider", needed.name.as_str())
            .with("account", record.account.as_str())
            .with("subject", record.subject.clone().unwrap_or_default())
            .with("login", record.logged_in_at.to_string())
            .with("binding", record.binding.fingerprint());
        for (role, of) in &further.identities {
            identity = identity.with(&format!("its {}", role.name()), of);
        }
        let token = PendingToken::OfProvider(needed, account.cloned(), kind);
        Ok((identity.fingerprint(), token))
    }

    fn session_of<'a>(&self, session: &Session<'a>, needed: &Provider) -> Session<'a> {
        session.consumed_by(Consumer::Provider(self.name.clone()), &needed.name)
    }

    fn get(
        &self,
        session: &Session<'_>,
        needed: &Provider,
        account: Option<&AccountName>,
        kind: TokenKind,
    ) -> Result<SubjectToken, AcquireError> {
        fetch(session, needed, account, kind, self.acquire).map_err(|source| self.needed(needed, source))
    }

    fn needed(&self, needed: &Provider, source: AcquireError) -> AcquireError {
        AcquireError::Needed {
            name: self.name.clone(),
            needed: needed.name.clone(),
            source: Box::new(source),
        }
    }
}

fn fetch(
    session: &Session<'_>,
    needed: &Provider,
    account: Option<&AccountName>,
    kind: TokenKind,
    acquire: AcquireToken,
) -> Result<SubjectToken, AcquireError> {
    let request = AcquireRequest {
        account: account.cloned(),
        id_token: kind == TokenKind::Id,
        ..AcquireRequest::default()
    };
    let missing = |what: &'static str| AcquireError::Provider {
        name: needed.name.clone(),
        source: ProviderError::NotOffered(what),
    };
    if kind == TokenKind::Refresh {
        let Lookup::Found(found, store_kind) =
            session.store.find(&needed.name, account, &needed.source.binding())?
        else {
            // Returns the reason, such as a missing login.
            return acquire(session, needed, &request).and(Err(missing("a refresh token")));
        };
        // The lock prevents a refresh while another server sees the token: the issuer revokes the whole family when an old
        // token is replayed (F-ROT1).
        let name = found.name(&needed.name);
        let lock = session.store.lock(store_kind, &name)?;
        let record = session.store.read(store_kind, &name, &found.binding)?;
        let record = record.ok_or_else(|| AcquireError::Gone(needed.name.clone()))?;
        let secret = record.refresh_token.as_ref().ok_or_else(|| missing("a refresh token"))?;
        return Ok(SubjectToken {
            secret: SecretText::new(secret.expose()),
            token_type: REFRESH_TOKEN,
            only_to: Some(record.binding.get(Binding::TOKEN_ENDPOINT).unwrap_or_default().to_owned()),
            _lock: Some(Rc::new(lock)),
        });
    }
    let issued = acquire(session, needed, &request)?;
    let (secret, token_type) = match kind {
        TokenKind::Id => {
            let id_token = issued.id_token.as_ref().ok_or_else(|| missing("an ID token"))?;
            (SecretText::new(id_token.expose()), ID_TOKEN)
        }
        _ if needed.source.is_oauth() => (issued.credential.bare(), ACCESS_TOKEN),
        _ => {
            let secret = issued.credential.bare();
            (secret.clone(), type_of(&secret))
        }
    };
    Ok(SubjectToken { secret, token_type, only_to: None, _lock: None })
}

/// A guess at the token's type (RFC 8693 section 3).
fn type_of(token: &SecretText) -> &'static str {
    if Jwt::decode(token.expose()).is_some() { JWT } else { ACCESS_TOKEN }
}

/// Tells two tokens apart. Their claims are not used, because nothing has verified them.
fn fingerprint(token: &SecretText) -> String {
    Binding::default().with("token", token.expose()).fingerprint()
}
