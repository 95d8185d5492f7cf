//! Logs out: revokes the tokens at the server if possible, and always removes them from the store.

use super::Session;
use crate::config::Provider;
use crate::loopback::LoopbackError;
use crate::name::{AccountName, ProviderName};
use crate::oauth::revocation::RevocationError;
use crate::provider::{BrowserChoice, EndedSession, ProviderError, Revocation};
use crate::store::index::Entry;
use crate::store::{StoreError, StoreKind};

/// The result for one account.
#[derive(Debug)]
pub struct LoggedOut {
    pub account: AccountName,
    /// Where the login was stored.
    pub store: StoreKind,
    /// The result for each token at the server; empty if the server was not asked.
    pub revocations: Vec<(&'static str, Revocation)>,
    /// How the logout in the browser ended, if it was requested.
    pub session: Option<Result<EndedSession, ProviderError>>,
    /// Why the server was not asked.
    pub not_asked: Option<String>,
}

impl LoggedOut {
    /// The signal that stopped the logout before anything was removed.
    pub fn interrupted(&self) -> Option<i32> {
        match &self.session {
            Some(Err(
                ProviderError::Interrupted(signal)
                | ProviderError::Loopback(LoopbackError::Interrupted(signal)),
            )) => Some(*signal),
            _ => None,
        }
    }

    /// Whether the server failed to revoke a token or to end the session.
    pub fn failed_at_server(&self) -> bool {
        // RFC 7009 section 2.2.1: a server may not support the revocation of access tokens, which is not a failure.
        let failed = |outcome: &Revocation| match outcome {
            Revocation::Failed(ProviderError::Revocation(RevocationError::UnsupportedTokenType)) => false,
            outcome => matches!(outcome, Revocation::Failed(_)),
        };
        self.revocations.iter().any(|(_, outcome)| failed(outcome)) || matches!(self.session, Some(Err(_)))
    }
}

#[derive(Debug, Clone, Default)]
pub struct Options {
    pub all_accounts: bool,
    /// Only remove the stored login, without contacting the server.
    pub local: bool,
    /// Also log out in the browser.
    pub end_session: Option<BrowserChoice>,
}

/// Logs out of one or all of a provider's accounts. Without a valid configuration of the `provider`, nothing is
/// revoked. Each account has its own result, because its record may not be removable.
pub fn logout(
    session: &Session<'_>,
    name: &ProviderName,
    provider: Option<&Provider>,
    account: Option<&AccountName>,
    options: &Options,
) -> Result<Vec<Result<LoggedOut, StoreError>>, StoreError> {
    let mut index = session.store.index(name)?;
    if let (true, Some(provider)) = (index.entries.is_empty(), provider) {
        // An authctl with another home may have stored a record: finding it adds it to the index.
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
    // The lock prevents a running refresh from restoring the record (F-ROT8).
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
        _ if options.local => report.not_asked = Some("--local was given".to_owned()),
        None => {
            report.not_asked =
                Some("the configured server or client is not the one that this login belongs to".to_owned())
        }
        Some(provider) => match session.store.read_entry(Some(&lock), name, entry) {
            Ok(Some(record)) => {
                if let Some(part) = session.store.new_part(name, &record) {
                    // The current definition would send the tokens to a server that the login was not for.
                    report.not_asked = Some(format!(
                        "the login does not belong to {}, which {} sets",
                        part.what, part.origin
                    ));
                    session.store.forget(&lock, name, entry)?;
                    return Ok(report);
                }
                let context = session.context(name);
                // The server session is ended first, because its hint is the ID token, which is still valid now.
                report.session = options
                    .end_session
                    .as_ref()
                    .map(|browser| provider.source.end_session(&context, &record, browser));
                if report.interrupted().is_some() {
                    // Nothing is revoked yet and nothing is removed, so the user can try again.
                    return Ok(report);
                }
                report.revocations = provider.source.revoke(&context, &record);
            }
            Ok(None) => {}
            Err(error) => report.not_asked = Some(format!("authctl could not read its record: {error}")),
        },
    }
    session.store.forget(&lock, name, entry)?;
    Ok(report)
}
