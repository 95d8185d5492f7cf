//! Gets AWS credentials: stored ones or new ones.

use std::time::Duration;

use jiff::Timestamp;

use super::error::AwsError;
use super::role::Role;
use super::sts::{AwsCredentials, answer, request};
use super::web_identity::web_identity;
use crate::config::Provider;
use crate::name::AccountName;
use crate::secret::{AccessToken, SecretText};
use crate::session::Session;
use crate::session::acquire::AcquireError;
use crate::store::record::{Record, StoredToken};
use crate::store::{Lookup, StoreKind};
use crate::token::{Life, TokenSet};

/// Credentials that expire within this time are replaced. AWS SDKs begin to refresh them five minutes before.
const EARLY: Duration = Duration::from_secs(300);

/// Gets credentials for a role: stored ones that do not expire soon, or new ones for the provider's token. If many
/// processes need them at once, only one asks the service.
pub fn credentials(
    session: &Session<'_>,
    provider: &Provider,
    account: Option<&AccountName>,
    role: &Role,
) -> Result<AwsCredentials, AwsError> {
    if let Some((record, _)) = find(session, provider, account)?
        && let Some(found) = stored(&record, role, session.system.clock.now())
    {
        return Ok(found);
    }
    // The token comes first, because a refresh takes the same lock.
    let web_identity = web_identity(session, provider, account)?;
    let Some((record, kind)) = find(session, provider, account)? else {
        // A job's credentials are not stored.
        return ask(session, provider, role, &web_identity);
    };
    let store = &session.store;
    let lock = store.lock(kind, &record.name(&provider.name))?;
    let binding = provider.source.binding();
    let found = store.find_with_lock(Some(&lock), &provider.name, Some(&record.account), &binding)?;
    let Lookup::Found(mut record, kind) = found else {
        return Err(AcquireError::Gone(provider.name.clone()).into());
    };
    if let Some(found) = stored(&record, role, session.system.clock.now()) {
        return Ok(found);
    }
    let issued = ask(session, provider, role, &web_identity)?;
    record.insert_traded(&role.key(), to_store(&issued, session.system.clock.now()));
    store.save(&lock, &provider.name, &mut record, kind)?;
    Ok(issued)
}

fn find(
    session: &Session<'_>,
    provider: &Provider,
    account: Option<&AccountName>,
) -> Result<Option<(Box<Record>, StoreKind)>, AwsError> {
    if !provider.source.keeps_tokens() {
        return Ok(None);
    }
    match session.store.find(&provider.name, account, &provider.source.binding())? {
        Lookup::Found(record, kind) => Ok(Some((record, kind))),
        _ => Ok(None),
    }
}

fn ask(
    session: &Session<'_>,
    provider: &Provider,
    role: &Role,
    token: &SecretText,
) -> Result<AwsCredentials, AwsError> {
    let request = request(role, token, &provider.source.transport());
    answer(&session.system.http.send(&request)?)
}

fn stored(record: &Record, role: &Role, now: Timestamp) -> Option<AwsCredentials> {
    let traded = record.traded(&role.key()).filter(|traded| traded.life.is_fresh(now, EARLY))?;
    let [id, secret, token] = serde_json::from_str::<[&str; 3]>(traded.access_token.expose()).ok()?;
    Some(AwsCredentials {
        access_key_id: id.to_owned(),
        secret_access_key: AccessToken::new(secret),
        session_token: AccessToken::new(token),
        expires_at: traded.life.expires_at?,
    })
}

/// Converts the credentials for storage in a record.
fn to_store(credentials: &AwsCredentials, now: Timestamp) -> StoredToken {
    let parts = serde_json::json!([
        credentials.access_key_id,
        credentials.secret_access_key.expose(),
        credentials.session_token.expose()
    ]);
    let life = Life { obtained_at: now, expires_at: Some(credentials.expires_at) };
    StoredToken::of(&TokenSet::lasting(AccessToken::new(parts.to_string()), life), None)
}
