//! Logs out: revokes at the server where it can be done, and forgets here always.

use super::Session;
use crate::config::Provider;
use crate::name::{AccountName, ProviderName};
use crate::oauth::revocation::RevocationError;
use crate::provider::{ProviderError, Revocation};
use crate::store::index::Entry;
use crate::store::{StoreError, StoreKind};

/// What became of one account.
#[derive(Debug)]
pub struct Report {
    /// The account.
    pub account: AccountName,
    /// Where it was kept.
    pub store: StoreKind,
    /// What became of its tokens at the server; empty when the server was not asked.
    pub revocations: Vec<(&'static str, Revocation)>,
    /// Why the server was not asked.
    pub not_asked: Option<String>,
}

impl Report {
    /// Whether the server was asked to revoke and did not.
    #[must_use]
    pub fn revocation_failed(&self) -> bool {
        // RFC 7009 section 2.2.1: that a server does not revoke access tokens is its way, and no failure.
        let failed = |outcome: &Revocation| match outcome {
            Revocation::Failed(ProviderError::Revocation(RevocationError::UnsupportedTokenType)) => false,
            outcome => matches!(outcome, Revocation::Failed(_)),
        };
        self.revocations.iter().any(|(_, outcome)| failed(outcome))
    }
}

/// Logs out of a provider: of one account, or of all. `provider` is what is configured of it, if that is right; without
/// it, nothing can be revoked.
///
/// # Errors
/// [`StoreError`], when it is not known what is stored; for each account, when its record could not be removed.
pub fn logout(
    session: &Session<'_>,
    name: &ProviderName,
    provider: Option<&Provider>,
    account: Option<&AccountName>,
    all_accounts: bool,
    local: bool,
) -> Result<Vec<Result<Report, StoreError>>, StoreError> {
    let mut index = session.store.index(name)?;
    if let (true, Some(provider)) = (index.entries.is_empty(), provider) {
        // Another home's authctl may have made a record: finding it lists it.
        session.store.find(name, account, &provider.source.binding())?;
        index = session.store.index(name)?;
    }
    let chosen = index.account(account).cloned();
    let meant = |entry: &&Entry| all_accounts || chosen.as_ref() == Some(&entry.account);
    let entries = index.entries.iter().filter(meant);
    Ok(entries.map(|entry| logout_entry(session, name, provider, entry, local)).collect())
}

fn logout_entry(
    session: &Session<'_>,
    name: &ProviderName,
    provider: Option<&Provider>,
    entry: &Entry,
    local: bool,
) -> Result<Report, StoreError> {
    let record_name = entry.name(name);
    // The lock keeps a refresh that is under way from bringing the record back (F-ROT8).
    let lock = session.store.lock(entry.store, &record_name)?;
    let mut report = Report {
        account: entry.account.clone(),
        store: entry.store,
        revocations: Vec::new(),
        not_asked: None,
    };
    let bound = |provider: &&Provider| provider.source.binding().fits(&entry.binding);
    match provider.filter(bound) {
        _ if local => report.not_asked = Some("as you asked".to_owned()),
        None => {
            report.not_asked = Some("it is not configured any more for where this login is from".to_owned())
        }
        Some(provider) => match session.store.read(entry.store, &record_name, &entry.binding) {
            Ok(Some(record)) => report.revocations = provider.source.revoke(&session.context(name), &record),
            Ok(None) => {}
            Err(error) => report.not_asked = Some(format!("the record cannot be read ({error})")),
        },
    }
    session.store.forget(&lock, name, entry)?;
    Ok(report)
}
