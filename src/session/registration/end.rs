//! Ends a registration (RFC 7592) with the last login that uses it, or when another registration replaces it.

use serde_json::Value;

use super::{note, secrets};
use crate::config::Provider;
use crate::config::discovered::{self, DiscoveredClient};
use crate::name::ProviderName;
use crate::oauth::endpoint::EndpointUrl;
use crate::oauth::registration::{self, End};
use crate::ports::Transport;
use crate::provider::client::OAuthClient;
use crate::secret::{AccessToken, SecretText};
use crate::session::Session;
use crate::store::StoreError;

/// Forgets what was discovered for a provider, and ends its client's registration if no other provider uses it. Returns
/// the server's result; `None` if it was not asked.
pub fn forget(session: &Session<'_>, provider: &Provider, local: bool) -> Result<Option<End>, StoreError> {
    let saved = discovered::clients(session.system);
    let own = saved.iter().find(|(name, _)| *name == provider.name).map(|(_, client)| client);
    let mut end = None;
    if let Some(oauth) = provider.source.oauth() {
        if let Some(client) = own {
            end = retire(session, provider, oauth, client, &saved, local)?;
        }
        // A configured client needs no registration. If the list cannot be read, the worst result is an unused
        // registration.
        if own.is_some() || oauth.client_id().is_err() {
            end = end.or(end_unfinished(session, provider, oauth, own, local).ok().flatten());
        }
    }
    discovered::forget(session.system, &provider.name)?;
    Ok(end)
}

/// The client that an unfinished login to a provider registered.
pub fn unfinished(
    session: &Session<'_>,
    name: &ProviderName,
) -> Result<Option<DiscoveredClient>, StoreError> {
    Ok(note::read(session, name)?.map(|registered| registered.client))
}

/// Ends the registration of an unfinished login.
fn end_unfinished(
    session: &Session<'_>,
    provider: &Provider,
    oauth: &OAuthClient,
    own: Option<&DiscoveredClient>,
    local: bool,
) -> Result<Option<End>, StoreError> {
    let Some(registered) = note::read(session, &provider.name)? else { return Ok(None) };
    let is_saved = own.is_some_and(|own| own.is_same(&registered.client));
    let is_here = registered.client.issuer == oauth.issuer().as_str();
    let management = registered.management.filter(|_| !local && is_here && !is_saved);
    let end = end_registration(session, oauth, management.as_ref());
    note::forget(session, &provider.name)?;
    Ok(end)
}

/// Forgets a client's secrets, and ends its registration if the provider still uses its server and no other provider
/// uses the client.
pub(super) fn retire(
    session: &Session<'_>,
    provider: &Provider,
    oauth: &OAuthClient,
    client: &DiscoveredClient,
    saved: &[(ProviderName, DiscoveredClient)],
    local: bool,
) -> Result<Option<End>, StoreError> {
    let is_shared = saved.iter().any(|(name, other)| *name != provider.name && other.is_same(client));
    let is_here = client.issuer == oauth.issuer().as_str();
    let management = secrets::management(session, provider, oauth, client)?;
    let management = management.filter(|_| !local && !is_shared && is_here);
    let end = end_registration(session, oauth, management.as_ref());
    secrets::forget(session, provider, oauth, client)?;
    Ok(end)
}

/// Asks the server to delete a registration; `None` if authctl cannot manage it.
pub(super) fn end_registration(
    session: &Session<'_>,
    oauth: &OAuthClient,
    management: Option<&SecretText>,
) -> Option<End> {
    management.map(|management| delete(session, oauth, management).unwrap_or(End::Failed))
}

fn delete(session: &Session<'_>, oauth: &OAuthClient, management: &SecretText) -> Option<End> {
    let management: Value = serde_json::from_str(management.expose()).ok()?;
    let uri = EndpointUrl::discovered(management["uri"].as_str()?, oauth.issuer()).ok()?;
    let token = AccessToken::parse(management["token"].as_str()?).ok()?;
    let transport = Transport { identity: None, ..oauth.transport.clone() };
    let response = session.system.http.send(&registration::deletion(&uri, &token, &transport)).ok()?;
    Some(End::of(&response))
}
