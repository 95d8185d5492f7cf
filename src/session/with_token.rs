//! Logs in with a token that the user brings, without a browser.

use super::Session;
use super::acquire::AcquireError;
use super::identity::{Identity, account_for};
use super::login::{LoggedIn, LoginError, failed, keep, prepare_store};
use crate::config::Provider;
use crate::name::AccountName;
use crate::provider::{Grant, ProviderError, RefreshOutcome, TokenRequest};
use crate::secret::{AccessToken, RefreshToken, SecretText};
use crate::store::Revision;
use crate::store::index::{Entry, Index};
use crate::store::record::Record;
use crate::token::{Life, TokenSet};

#[derive(Debug, Clone)]
pub enum Given {
    Access(SecretText),
    /// A refresh token. authctl uses it at once, which proves that it works.
    Refresh(SecretText),
}

/// Logs in with a token that the user brings. It gets the same binding as any other.
pub fn login_with(
    session: &Session<'_>,
    provider: &Provider,
    account: Option<&AccountName>,
    given: &Given,
) -> Result<LoggedIn, LoginError> {
    if !provider.source.is_interactive() {
        return Err(failed(provider, ProviderError::NeedsNoLogin));
    }
    prepare_store(session, provider, account)?;
    let now = session.system.clock.now();
    let context = session.context(&provider.name);
    let binding = provider.source.full_binding(&context).map_err(|error| failed(provider, error))?;
    let no_token = |error: crate::secret::InvalidToken| LoginError::NoToken(error.to_string());
    let requested_scopes = provider.source.scopes();
    let (grant, stored) = match given {
        Given::Access(text) => {
            let access_token = AccessToken::parse(text.expose().trim()).map_err(no_token)?;
            let expires_at = crate::provider::jwt::expiry(access_token.expose());
            let grant = Grant {
                tokens: TokenSet::lasting(access_token, Life { obtained_at: now, expires_at }),
                binding,
                issuer: None,
                claims: None,
                requested_scopes,
                prover: None,
                certificate: None,
            };
            (grant, None)
        }
        Given::Refresh(text) => {
            let refresh_token = RefreshToken::parse(text.expose().trim()).map_err(no_token)?;
            let mut record = Record::new(&provider.name, AccountName::unnamed(), binding, now);
            record.refresh_token = Some(refresh_token);
            record.requested_scopes = requested_scopes;
            refresh(session, provider, account, record)?
        }
    };
    let mut report = keep(session, provider, account, grant, None)?;
    if let Some(entry) = stored {
        forget(session, provider, &entry, &mut report)?;
    }
    Ok(report)
}

/// Uses a refresh token that is not stored yet. If the server replaces it, the replacement is stored before the rest of
/// the response is judged, because the user's copy no longer works (F-ROT10). Returns the grant, and where the
/// replacement is.
fn refresh(
    session: &Session<'_>,
    provider: &Provider,
    account: Option<&AccountName>,
    mut record: Record,
) -> Result<(Grant, Option<Entry>), LoginError> {
    let failed = |error| failed(provider, error);
    let no_access_token = |source| LoginError::NoAccessToken { name: provider.name.clone(), source };
    let context = session.context(&provider.name);
    let request = TokenRequest::default();
    let prepared = provider.source.prepare_refresh(&context, &record, &request).map_err(failed)?;
    // A signal waits until the replacement is stored.
    let held = session.system.signals.hold();
    let given = record.refresh_token.clone();
    let mut store_replacement = |replacement| -> Result<Entry, LoginError> {
        record.refresh_token = Some(replacement);
        let entry = save(session, provider, account, &mut record)?;
        held.caught().map_or(Ok(entry), |signal| Err(AcquireError::Interrupted(signal).into()))
    };
    match prepared.send() {
        RefreshOutcome::Tokens(mut tokens) => {
            let Some(replacement) = tokens.refresh_token.clone() else {
                tokens.refresh_token = given;
                return Ok((prepared.judge(tokens).map_err(failed)?, None));
            };
            let entry = store_replacement(replacement)?;
            Ok((prepared.judge(tokens).map_err(no_access_token)?, Some(entry)))
        }
        RefreshOutcome::RefreshTokenOnly(replacement, problem) => {
            store_replacement(replacement)?;
            Err(no_access_token(problem))
        }
        RefreshOutcome::NotSent(error) | RefreshOutcome::Refused(error) | RefreshOutcome::Unknown(error) => {
            Err(failed(error))
        }
    }
}

/// Stores a record that contains only the refresh token.
fn save(
    session: &Session<'_>,
    provider: &Provider,
    account: Option<&AccountName>,
    record: &mut Record,
) -> Result<Entry, LoginError> {
    let (store, name) = (&session.store, &provider.name);
    let known = store.index(name)?;
    // The user behind these tokens is not known yet, so they get an account of their own.
    record.account = unused_account(&known, &account_for(&known, account, &Identity::default())?);
    let record_name = record.name(name);
    let kind = store.store_for_account(name, &record.account, &record_name, false)?;
    let lock = store.lock(kind, &record_name)?;
    record.revision = Revision::Any;
    store.save(&lock, name, record, kind)?;
    store.update_index(name, |index| index.default_account = Some(record.account.clone()))?;
    Ok(Entry::of(record, kind))
}

/// Removes a stored replacement, because the whole login is now stored under its user's account.
fn forget(
    session: &Session<'_>,
    provider: &Provider,
    entry: &Entry,
    report: &mut LoggedIn,
) -> Result<(), LoginError> {
    if entry.account == report.account {
        return Ok(());
    }
    let lock = session.store.lock(entry.store, &entry.name(&provider.name))?;
    session.store.forget(&lock, &provider.name, entry)?;
    report.others = report.others.saturating_sub(1);
    Ok(())
}

fn unused_account(known: &Index, proposed: &AccountName) -> AccountName {
    let is_unused = |account: &AccountName| known.entries.iter().all(|entry| entry.account != *account);
    let numbered = (2..).map(|number| proposed.numbered(number));
    std::iter::once(proposed.clone()).chain(numbered).find(is_unused).unwrap_or_else(|| proposed.clone())
}
