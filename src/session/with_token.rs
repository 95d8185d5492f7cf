//! Logs in with a token that the user brings instead of with a browser.

use super::Session;
use super::identity::{Identity, account_for};
use super::login::{LoginError, Report, failed, keep, prepare_store};
use crate::config::Provider;
use crate::name::AccountName;
use crate::provider::{Grant, ProviderError, RefreshOutcome, TokenRequest};
use crate::secret::{AccessToken, RefreshToken, SecretText};
use crate::store::Revision;
use crate::store::index::Index;
use crate::store::record::Record;
use crate::token::{Life, TokenSet};

/// A token that the user brings.
#[derive(Debug, Clone)]
pub enum Given {
    /// An access token.
    Access(SecretText),
    /// A refresh token: it is used at once, which proves it.
    Refresh(SecretText),
}

/// Logs in with a token that the user brings, bound as any other.
///
/// # Errors
/// [`LoginError`].
pub fn login_with(
    session: &Session<'_>,
    provider: &Provider,
    account: Option<&AccountName>,
    given: &Given,
) -> Result<Report, LoginError> {
    if !provider.source.is_interactive() {
        return Err(failed(provider, ProviderError::NeedsNoLogin));
    }
    prepare_store(session, provider, account)?;
    let now = session.system.clock.now();
    let context = session.context(&provider.name);
    let binding = provider.source.full_binding(&context).map_err(|error| failed(provider, error))?;
    let no_token = |error: crate::secret::InvalidToken| LoginError::NoToken(error.to_string());
    let requested_scopes = provider.source.scopes();
    let grant = match given {
        Given::Access(text) => {
            let access_token = AccessToken::parse(text.expose().trim()).map_err(no_token)?;
            let expires_at = crate::provider::jwt::expiry(access_token.expose());
            Grant {
                tokens: TokenSet::lasting(access_token, Life { obtained_at: now, expires_at }),
                binding,
                issuer: None,
                claims: None,
                requested_scopes,
                prover: None,
                certificate: None,
            }
        }
        Given::Refresh(text) => {
            let refresh_token = RefreshToken::parse(text.expose().trim()).map_err(no_token)?;
            let mut record = Record::new(&provider.name, AccountName::unnamed(), binding, now);
            record.refresh_token = Some(refresh_token);
            record.requested_scopes = requested_scopes;
            refresh(session, provider, account, record)?
        }
    };
    keep(session, provider, account, grant, None)
}

/// Uses a refresh token that is not stored yet. If the server replaces it but the rest of the answer is unusable, stores the
/// replacement: the user's copy no longer works (F-ROT10).
fn refresh(
    session: &Session<'_>,
    provider: &Provider,
    account: Option<&AccountName>,
    mut record: Record,
) -> Result<Grant, LoginError> {
    let failed = |error| failed(provider, error);
    let context = session.context(&provider.name);
    let request = TokenRequest::default();
    let prepared = provider.source.prepare_refresh(&context, &record, &request).map_err(failed)?;
    let (replacement, problem) = match prepared.send() {
        RefreshOutcome::Tokens(mut tokens) => {
            let replacement = tokens.refresh_token.clone();
            if tokens.refresh_token.is_none() {
                tokens.refresh_token.clone_from(&record.refresh_token);
            }
            match (prepared.judge(tokens), replacement) {
                (Ok(grant), _) => return Ok(grant),
                (Err(problem), None) => return Err(failed(problem)),
                (Err(problem), Some(replacement)) => (replacement, problem),
            }
        }
        RefreshOutcome::RefreshTokenOnly(replacement, problem) => (replacement, problem),
        RefreshOutcome::NotSent(error) | RefreshOutcome::Refused(error) | RefreshOutcome::Unknown(error) => {
            return Err(failed(error));
        }
    };
    record.refresh_token = Some(replacement);
    save(session, provider, account, record)?;
    Err(LoginError::NoAccessToken { name: provider.name.clone(), source: problem })
}

fn save(
    session: &Session<'_>,
    provider: &Provider,
    account: Option<&AccountName>,
    mut record: Record,
) -> Result<(), LoginError> {
    let (store, name) = (&session.store, &provider.name);
    let known = store.index(name)?;
    // The user behind these tokens is not known yet, so they get an account of their own.
    record.account = unused_account(&known, &account_for(&known, account, &Identity::default())?);
    let record_name = record.name(name);
    let kind = store.place_of_account(name, &record.account, &record_name, false)?;
    let lock = store.lock(kind, &record_name)?;
    record.revision = Revision::Any;
    store.save(&lock, name, &mut record, kind)?;
    store.update_index(name, |index| index.default_account = Some(record.account.clone()))?;
    Ok(())
}

fn unused_account(known: &Index, proposed: &AccountName) -> AccountName {
    let is_unused = |account: &AccountName| known.entries.iter().all(|entry| entry.account != *account);
    let numbered = (2..).map(|number| proposed.numbered(number));
    std::iter::once(proposed.clone()).chain(numbered).find(is_unused).unwrap_or_else(|| proposed.clone())
}
