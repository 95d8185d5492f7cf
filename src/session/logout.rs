//! Logs out: revokes at the server where it can be done, and forgets here always.

use super::Session;
use crate::config::Provider;
use crate::loopback::LoopbackError;
use crate::name::{AccountName, ProviderName};
use crate::oauth::revocation::RevocationError;
use crate::provider::{BrowserChoice, EndedSession, ProviderError, Revocation};
use crate::store::index::Entry;
use crate::store::{StoreError, StoreKind};

/// What became of one account.
#[derive(Debug)]
pub struct LoggedOut {
    pub account: AccountName,
    /// Where it was kept.
    pub store: StoreKind,
    /// What became of its tokens at the server; empty when the server was not asked.
    pub revocations: Vec<(&'static str, Revocation)>,
    /// How the logout in the browser ended, where that was asked for.
    pub session: Option<Result<EndedSession, ProviderError>>,
    /// Why the server was not asked.
    pub not_asked: Option<String>,
}

impl LoggedOut {
    /// The signal that ended it before anything was forgotten.
    pub fn interrupted(&self) -> Option<i32> {
        match &self.session {
            Some(Err(
                ProviderError::Interrupted(signal)
                | ProviderError::Loopback(LoopbackError::Interrupted(signal)),
            )) => Some(*signal),
            _ => None,
        }
    }

    /// Whether the server was asked to revoke, or to end the session, and did not.
    pub fn failed_at_server(&self) -> bool {
        // RFC 7009 section 2.2.1: that a server does not revoke access tokens is its way, and no failure.
        let failed = |outcome: &Revocation| match outcome {
            Revocation::Failed(ProviderError::Revocation(RevocationError::UnsupportedTokenType)) => false,
            outcome => matches!(outcome, Revocation::Failed(_)),
        };
        self.revocations.iter().any(|(_, outcome)| failed(outcome)) || matches!(self.session, Some(Err(_)))
    }
}

/// How to log out.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub all_accounts: bool,
    /// Only here, without telling the server.
    pub local: bool,
    /// In the browser as well.
    pub end_session: Option<BrowserChoice>,
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
    options: &Options,
) -> Result<Vec<Result<LoggedOut, StoreError>>, StoreError> {
    let mut index = session.store.index(name)?;
    if let (true, Some(provider)) = (index.entries.is_empty(), provider) {
        // Another home's authctl may have made a record: finding it lists it.
        match session.store.find(name, account, &provider.source.binding()) {
            Ok(_) | Err(StoreError::NewPlace { .. }) => {}
            Err(error) => return Err(error),
        }
        index = session.store.index(name)?;
    }
    let chosen = index.account(account).cloned();
    let meant = |entry: &&Entry| options.all_accounts || chosen.as_ref() == Some(&entry.account);
    let entries = index.entries.iter().filter(meant);
    Ok(entries.map(|entry| logout_entry(session, name, provider, entry, options)).collect())
}

fn logout_entry(
    session: &Session<'_>,
    name: &ProviderName,
    provider: Option<&Provider>,
    entry: &Entry,
    options: &Options,
) -> Result<LoggedOut, StoreError> {
    let record_name = entry.name(name);
    // The lock keeps a refresh that is under way from bringing the record back (F-ROT8).
    let lock = session.store.lock(entry.store, &record_name)?;
    let mut report = LoggedOut {
        account: entry.account.clone(),
        store: entry.store,
        revocations: Vec::new(),
        session: None,
        not_asked: None,
    };
    let bound = |provider: &&Provider| provider.source.binding().fits(&entry.binding);
    match provider.filter(bound) {
        _ if options.local => report.not_asked = Some("as you asked".to_owned()),
        None => {
            report.not_asked = Some("it is not configured any more for where this login is from".to_owned())
        }
        Some(provider) => match session.store.read_entry(Some(&lock), name, entry) {
            Ok(Some(record)) => {
                if let Some(part) = session.store.new_part(name, &record) {
                    // The definition in force would send the tokens to a server that the login was not for.
                    report.not_asked =
                        Some(format!("the login was not made for {}, which {} sets", part.what, part.origin));
                    session.store.forget(&lock, name, entry)?;
                    return Ok(report);
                }
                let context = session.context(name);
                // The session first: its hint is the id token, which is still good now.
                report.session = options
                    .end_session
                    .as_ref()
                    .map(|browser| provider.source.end_session(&context, &record, browser));
                if report.interrupted().is_some() {
                    // Nothing was revoked yet, and nothing is forgotten: it can be done again.
                    return Ok(report);
                }
                report.revocations = provider.source.revoke(&context, &record);
            }
            Ok(None) => {}
            Err(error) => report.not_asked = Some(format!("the record cannot be read ({error})")),
        },
    }
    session.store.forget(&lock, name, entry)?;
    Ok(report)
}
