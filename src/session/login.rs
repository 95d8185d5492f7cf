//! Logs in: gets tokens with the user and stores them under the user's account.

use super::Session;
use super::acquire::AcquireError;
use super::identity::{Identity, OtherPerson, account_for, identify};
use crate::advice::{Advise, Status};
use crate::config::Provider;
use crate::loopback::{Outcome, Page};
use crate::name::{AccountName, ScopeSet};
use crate::oauth::id_token::Claims;
use crate::provider::{Grant, LoginRequest, ProviderError, TokenRequest};
use crate::store::index::{Entry, Index};
use crate::store::record::{Record, RecordName, StoredToken};
use crate::store::{Revision, StoreError, StoreKind};

/// Why a login failed.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error(transparent)]
    OtherPerson(#[from] OtherPerson),
    #[error("standard input contains no valid token: {0}")]
    NoToken(String),
    #[error("the login to `{name}` failed")]
    Provider { name: crate::name::ProviderName, source: ProviderError },
    /// The server replaced the user's refresh token, and nothing else in the response can be used.
    #[error("logged in to `{name}`, but the server's first access token cannot be used")]
    NoAccessToken { name: crate::name::ProviderName, source: ProviderError },
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The token that the user brought cannot be used.
    #[error(transparent)]
    Acquire(#[from] AcquireError),
}

impl Advise for LoginError {
    fn status(&self) -> Status {
        match self {
            Self::Provider { source, .. } => source.status(),
            Self::Store(error) => error.status(),
            Self::Acquire(error) => error.status(),
            Self::OtherPerson(_) | Self::NoToken(_) | Self::NoAccessToken { .. } => Status::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::OtherPerson(_) => {
                "log in with another name for `--account`, or log out of this account first".to_owned()
            }
            Self::NoAccessToken { name, .. } => format!("run `authctl token {name}` to get another one"),
            Self::Provider { source, name } => return source.hint_for(name.as_str()),
            Self::Store(error) => return error.hint(),
            Self::Acquire(error) => return error.hint(),
            Self::NoToken(_) => return None,
        })
    }
}

/// A login that is stored.
#[derive(Debug)]
pub struct LoggedIn {
    pub account: AccountName,
    /// The user's display name.
    pub label: Option<String>,
    /// The granted scopes, if they are known.
    pub granted: Option<ScopeSet>,
    /// The requested scopes that were not granted.
    pub missing: ScopeSet,
    /// When the access token expires.
    pub expires_at: Option<jiff::Timestamp>,
    /// Whether the access token refreshes automatically.
    pub refreshable: bool,
    /// Where the login is stored.
    pub store: StoreKind,
    /// The number of other accounts.
    pub others: usize,
    /// The signal that must end the program now.
    pub interrupted: Option<i32>,
}

/// Logs in with the user. A failure loses nothing that was stored before.
pub fn login(
    session: &Session<'_>,
    provider: &Provider,
    account: Option<&AccountName>,
    request: &LoginRequest,
) -> Result<LoggedIn, LoginError> {
    let context = session.context(&provider.name);
    if provider.source.is_interactive() {
        prepare_store(session, provider, account)?;
    }
    let login = provider.source.login(&context, request).map_err(|error| failed(provider, error))?;
    // From the token request on, signals wait until the tokens are stored.
    let _held = login.held;
    keep(session, provider, account, login.grant, login.page)
}

/// Reports whatever would prevent a save before the user is sent to the browser. A locked keyring asks for its password
/// now.
pub(super) fn prepare_store(
    session: &Session<'_>,
    provider: &Provider,
    account: Option<&AccountName>,
) -> Result<(), StoreError> {
    // Most logins are to the current account.
    let index = session.store.index(&provider.name)?;
    let account = index.account(account).cloned().unwrap_or_else(AccountName::unnamed);
    let name = RecordName::of_tokens(&provider.name, &account, &provider.source.binding());
    let kind = session.store.store_for_account(&provider.name, &account, &name, true)?;
    session.store.prepare(kind, &name)
}

/// Stores a grant under its account, and shows the result in the browser. Revokes a grant that cannot be stored.
pub(super) fn keep(
    session: &Session<'_>,
    provider: &Provider,
    named: Option<&AccountName>,
    grant: Grant,
    page: Option<Page>,
) -> Result<LoggedIn, LoginError> {
    let (store, name) = (&session.store, &provider.name);
    let identity = identify(session, provider, &grant);
    let before = store.index(name)?;
    let held = session.system.signals.hold();
    let saved = save_as(session, provider, named, &identity, &grant, before.clone());
    let (record, kind) = match saved {
        Ok(saved) => saved,
        Err(error) => {
            give_back(session, provider, grant);
            return Err(error);
        }
    };
    // From here on the login is stored, whatever else fails.
    store.update_index(name, |index| index.default_account = Some(record.account.clone()))?;
    store.forget_superseded(name, &record, kind, &provider.source.binding(), &before)?;
    if let Some(page) = page {
        page.show(Outcome::LoggedIn);
    }
    let granted = record.granted_scopes.as_ref();
    Ok(LoggedIn {
        missing: granted.map(|granted| missing(&record.requested_scopes, granted)).unwrap_or_default(),
        expires_at: grant.tokens.life.expires_at,
        refreshable: record.refresh_token.is_some(),
        store: kind,
        others: before.entries.iter().filter(|entry| entry.account != record.account).count(),
        granted: record.granted_scopes,
        account: record.account,
        label: record.label,
        interrupted: held.caught(),
    })
}

/// Saves a grant under its account. A shared store may hold other people's accounts, which are not listed here.
fn save_as(
    session: &Session<'_>,
    provider: &Provider,
    named: Option<&AccountName>,
    identity: &Identity,
    grant: &Grant,
    mut known: Index,
) -> Result<(Record, StoreKind), LoginError> {
    loop {
        let account = account_for(&known, named, identity)?;
        match save(session, provider, account, identity, grant)? {
            Saved::Here(record, kind) => return Ok((*record, kind)),
            Saved::Taken(entry) => known.insert(*entry),
        }
    }
}

/// The result of a save.
enum Saved {
    Here(Box<Record>, StoreKind),
    /// The account belongs to another person.
    Taken(Box<Entry>),
}

/// Saves a grant as an account's record.
fn save(
    session: &Session<'_>,
    provider: &Provider,
    account: AccountName,
    identity: &Identity,
    grant: &Grant,
) -> Result<Saved, LoginError> {
    let (store, tokens) = (&session.store, &grant.tokens);
    let name = RecordName::of_tokens(&provider.name, &account, &grant.binding);
    let kind = store.store_for_account(&provider.name, &account, &name, false)?;
    let lock = store.lock(kind, &name)?;
    let (generation, revision) = match store.read(kind, &name, &grant.binding) {
        Ok(Some(record)) if record.is_of_another(identity.subject.as_deref()) => {
            return Ok(Saved::Taken(Box::new(Entry::of(&record, kind))));
        }
        Ok(record) => record.map_or((0, Revision::Absent), |record| (record.generation, record.revision)),
        // A new login replaces a record that cannot be read.
        Err(StoreError::Corrupt { .. }) => (0, Revision::Any),
        Err(error) => return Err(error.into()),
    };
    let now = session.system.clock.now();
    let mut record = Record::new(&provider.name, account, grant.binding.clone(), now);
    record.generation = generation;
    record.revision = revision;
    record.destinations = Some(store.destinations(&provider.name, kind));
    record.issuer.clone_from(&grant.issuer);
    record.subject.clone_from(&identity.subject);
    record.label.clone_from(&identity.label);
    record.refresh_token.clone_from(&tokens.refresh_token);
    record.id_token = tokens.id_token.clone().filter(|_| grant.claims.is_some());
    record.login_claims = grant.claims.as_ref().map(Claims::lasting);
    record.requested_scopes.clone_from(&grant.requested_scopes);
    // RFC 6749 section 5.1: without a scope in the response, the requested scopes were granted.
    let asked = || Some(grant.requested_scopes.clone()).filter(|all| !all.is_empty());
    record.granted_scopes = tokens.scope.clone().or_else(asked);
    let scopes = record.granted_scopes.clone();
    record.set_proof(grant.prover.as_deref(), grant.certificate.as_ref());
    let token = StoredToken::of(tokens, scopes);
    record.insert_token(&provider.source.token_key(&TokenRequest::default()), token);
    store.save(&lock, &provider.name, &mut record, kind)?;
    Ok(Saved::Here(Box::new(record), kind))
}

/// The requested scopes that were not granted. `openid` and `offline_access` have other visible effects, and many
/// servers do not list them.
#[must_use]
pub fn missing(requested: &ScopeSet, granted: &ScopeSet) -> ScopeSet {
    let silent: ScopeSet = "openid offline_access profile email".parse().unwrap_or_default();
    requested.difference(granted).difference(&silent)
}

/// Tries to revoke a grant that will not be stored.
fn give_back(session: &Session<'_>, provider: &Provider, grant: Grant) {
    let mut record =
        Record::new(&provider.name, AccountName::unnamed(), grant.binding, session.system.clock.now());
    let token = StoredToken::of(&grant.tokens, None);
    record.refresh_token = grant.tokens.refresh_token;
    record.insert_token(&provider.source.token_key(&TokenRequest::default()), token);
    let _ = provider.source.revoke(&session.context(&provider.name), &record);
}

pub(super) fn failed(provider: &Provider, source: ProviderError) -> LoginError {
    LoginError::Provider { name: provider.name.clone(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::check;
    use crate::text::untrusted::Untrusted;

    #[test]
    fn each_error_has_its_status_and_hint() {
        let name = || "github".parse().unwrap();
        let timed_out = || ProviderError::TimedOut(std::time::Duration::from_secs(1));
        let person = |name: &str| Untrusted::new(name);
        let account = "default".parse().unwrap();
        let other = OtherPerson { account, present: person("alice"), new: person("bob") };
        let other = LoginError::from(other);
        let no_token = LoginError::NoAccessToken { name: name(), source: timed_out() };
        check(&[
            (&other, Status::Failed, "--account"),
            (&LoginError::NoToken("x".to_owned()), Status::Failed, ""),
            (
                &LoginError::Provider { name: name(), source: timed_out() },
                Status::Failed,
                "authctl login github",
            ),
            (&no_token, Status::Failed, "authctl token github"),
            (&LoginError::Store(StoreError::Locked), Status::Store, "authctl store unlock"),
            (&LoginError::Acquire(AcquireError::Gone(name())), Status::LoginRequired, "authctl login github"),
        ]);
    }
}
