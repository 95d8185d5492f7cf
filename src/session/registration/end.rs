//! Ends a registration (RFC 7592): with the last login that uses it, or when another one takes its place.

use serde_json::Value;

use super::{MANAGEMENT, SECRET};
use crate::binding::Binding;
use crate::config::discovered;
use crate::config::discovered::{Before, LearnedClient};
use crate::config::{Config, Provider};
use crate::name::ProviderName;
use crate::oauth::endpoint::EndpointUrl;
use crate::oauth::registration::{self, End};
use crate::ports::{System, Transport};
use crate::provider::client::OAuthClient;
use crate::secret::{AccessToken, SecretText};
use crate::session::Session;
use crate::store::StoreError;
use crate::store::record::RecordName;

/// The records of what registrations are managed with, for whoever moves all records.
#[must_use]
pub fn management_records(
    system: &System,
    config: &Config,
    stays: &dyn Fn(&ProviderName) -> bool,
) -> Vec<(RecordName, Binding)> {
    let record = |(name, client): (ProviderName, LearnedClient)| {
        let provider = config.provider(&name).ok()?;
        let binding = provider.source.oauth()?.binding().with(Binding::CLIENT_ID, client.id);
        Some((RecordName::of_secret(&name, MANAGEMENT, &binding), binding))
    };
    let registered = discovered::clients(system)
        .into_iter()
        .filter(|(name, client)| client.is_registered() && !stays(name));
    registered.filter_map(record).collect()
}

/// Forgets a provider that was only learned, and ends its client's registration at the server where no other provider uses
/// it. Says what the server made of that; `None` where there was nothing to tell.
///
/// # Errors
/// [`StoreError`].
pub fn forget(session: &Session<'_>, provider: &Provider, local: bool) -> Result<Option<End>, StoreError> {
    let known = discovered::clients(session.system);
    let own = known.iter().find(|(name, _)| *name == provider.name).map(|(_, client)| client);
    let told = match (own, provider.source.oauth()) {
        (Some(client), Some(oauth)) => retire(session, provider, oauth, client, &known, local)?,
        _ => None,
    };
    discovered::forget(session.system, &provider.name)?;
    Ok(told)
}

/// After a login with another client: the registration before it is nobody's any more. That it lingers is no reason to fail.
pub fn end_replaced(session: &Session<'_>, provider: &Provider, replaced: &LearnedClient) {
    if let Some(oauth) = provider.source.oauth() {
        let _ = retire(session, provider, oauth, replaced, &discovered::clients(session.system), false);
    }
}

/// After a login that failed: what worked before works again, and a client that was registered for it is ended.
///
/// # Errors
/// [`StoreError`].
pub fn take_back(session: &Session<'_>, provider: &Provider, before: &Before) -> Result<(), StoreError> {
    let known = discovered::clients(session.system);
    let own = known.iter().find(|(name, _)| *name == provider.name).map(|(_, client)| client);
    let is_new = |own: &&LearnedClient| own.is_registered() && before.client().as_ref() != Some(own);
    if let (Some(client), Some(oauth)) = (own.filter(is_new), provider.source.oauth()) {
        retire(session, provider, oauth, client, &known, false)?;
    }
    before.put_back(session.system)
}

/// Forgets what a client is managed and proved with, and ends its registration where its server is still the provider's and
/// no other provider uses it.
fn retire(
    session: &Session<'_>,
    provider: &Provider,
    oauth: &OAuthClient,
    client: &LearnedClient,
    known: &[(ProviderName, LearnedClient)],
    local: bool,
) -> Result<Option<End>, StoreError> {
    let binding = oauth.binding().with(Binding::ISSUER, &client.issuer).with(Binding::CLIENT_ID, &client.id);
    let record = |key: &str| RecordName::of_secret(&provider.name, key, &binding);
    let shared = known.iter().any(|(name, other)| {
        *name != provider.name && other.id == client.id && other.issuer == client.issuer
    });
    let reachable = client.issuer == oauth.issuer().as_str();
    let management = session.store.secret(&provider.name, MANAGEMENT, &binding)?;
    let told = management
        .filter(|_| !local && !shared && reachable)
        .map(|management| end(session, oauth, &management).unwrap_or(End::Failed));
    session.store.forget_secret(&record(MANAGEMENT))?;
    session.store.forget_secret(&record(SECRET))?;
    Ok(told)
}

fn end(session: &Session<'_>, oauth: &OAuthClient, management: &SecretText) -> Option<End> {
    let management: Value = serde_json::from_str(management.expose()).ok()?;
    let uri = EndpointUrl::learned(management["uri"].as_str()?, oauth.issuer()).ok()?;
    let token = AccessToken::parse(management["token"].as_str()?).ok()?;
    let transport = Transport { identity: None, ..oauth.transport.clone() };
    let response = session.system.http.send(&registration::deletion(&uri, &token, &transport)).ok()?;
    Some(End::of(&response))
}
