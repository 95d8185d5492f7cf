//! Marks a token that a server rejected, so that the next caller gets another one.

use super::error::AcquireError;
use crate::config::Provider;
use crate::name::AccountName;
use crate::session::provider_session::Session;
use crate::store::Lookup;

/// Marks a provider's access token as rejected; without `token`, all stored access tokens. A token newer than the
/// rejected one stays valid, and the refresh token does not change. Returns whether such a token was stored.
pub fn refuse(
    session: &Session<'_>,
    provider: &Provider,
    account: Option<&AccountName>,
    token: Option<&str>,
) -> Result<bool, AcquireError> {
    if !provider.source.keeps_tokens() {
        return Ok(false);
    }
    let (store, binding) = (&session.store, provider.source.binding());
    let Lookup::Found(record, kind) = store.find(&provider.name, account, &binding)? else {
        return Ok(false);
    };
    let lock = store.lock(kind, &record.name(&provider.name))?;
    let found = store.find_with_lock(Some(&lock), &provider.name, Some(&record.account), &binding)?;
    let Lookup::Found(mut record, kind) = found else { return Ok(false) };
    if !record.refuse(token) {
        return Ok(false);
    }
    store.save(&lock, &provider.name, &mut record, kind)?;
    Ok(true)
}
