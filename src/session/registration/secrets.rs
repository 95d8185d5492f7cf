//! The secrets of registered clients in the token store: the client secret and the registration access token.

use super::note;
use crate::binding::Binding;
use crate::config::discovered::{self, DiscoveredClient};
use crate::config::{Config, Provider};
use crate::name::ProviderName;
use crate::ports::System;
use crate::provider::client::OAuthClient;
use crate::secret::SecretText;
use crate::session::{Session, configured_store};
use crate::store::StoreError;
use crate::store::record::RecordName;

const SECRET: &str = "client_secret";
const MANAGEMENT: &str = "registration";

/// The binding of a registered client's secrets.
fn binding(oauth: &OAuthClient, client: &DiscoveredClient) -> Binding {
    oauth.binding().with(Binding::ISSUER, &client.issuer).with(Binding::CLIENT_ID, &client.id)
}

/// Stores the client secret, which the login needs.
pub(super) fn store_secret(
    session: &Session<'_>,
    provider: &Provider,
    oauth: &OAuthClient,
    client: &DiscoveredClient,
    secret: Option<&SecretText>,
) -> Result<(), StoreError> {
    store(session, provider, SECRET, &binding(oauth, client), secret)
}

/// Stores the registration access token.
pub(super) fn store_management(
    session: &Session<'_>,
    provider: &Provider,
    oauth: &OAuthClient,
    client: &DiscoveredClient,
    management: Option<&SecretText>,
) -> Result<(), StoreError> {
    store(session, provider, MANAGEMENT, &binding(oauth, client), management)
}

fn store(
    session: &Session<'_>,
    provider: &Provider,
    key: &str,
    binding: &Binding,
    secret: Option<&SecretText>,
) -> Result<(), StoreError> {
    secret.map_or(Ok(()), |secret| session.store.save_secret(&provider.name, key, binding, secret).map(drop))
}

/// The registration access token.
pub(super) fn management(
    session: &Session<'_>,
    provider: &Provider,
    oauth: &OAuthClient,
    client: &DiscoveredClient,
) -> Result<Option<SecretText>, StoreError> {
    session.store.secret(&provider.name, MANAGEMENT, &binding(oauth, client))
}

/// Copies the secrets of a client that was registered for another provider of the same server. The last provider that
/// uses the client ends the registration. Returns whether the client can be used.
pub(super) fn copy(
    session: &Session<'_>,
    provider: &Provider,
    oauth: &OAuthClient,
    from: &ProviderName,
    client: &DiscoveredClient,
) -> Result<bool, StoreError> {
    let binding = binding(oauth, client);
    for (key, is_needed) in [(SECRET, client.has_secret), (MANAGEMENT, false)] {
        match session.store.secret(from, key, &binding)? {
            None if is_needed => return Ok(false),
            secret => store(session, provider, key, &binding, secret.as_ref())?,
        }
    }
    Ok(true)
}

pub(super) fn forget(
    session: &Session<'_>,
    provider: &Provider,
    oauth: &OAuthClient,
    client: &DiscoveredClient,
) -> Result<(), StoreError> {
    let binding = binding(oauth, client);
    for key in [MANAGEMENT, SECRET] {
        session.store.forget_secret(&RecordName::of_secret(&provider.name, key, &binding))?;
    }
    Ok(())
}

/// The records of all registrations, for a caller that moves all records.
#[must_use]
pub fn stored_records(
    system: &System,
    config: &Config,
    stays: &dyn Fn(&ProviderName) -> bool,
) -> Vec<(RecordName, Binding)> {
    let store = configured_store(system, config);
    let management = |(name, client): (ProviderName, DiscoveredClient)| {
        let provider = config.provider(&name).ok()?;
        let binding = provider.source.oauth()?.binding().with(Binding::CLIENT_ID, client.id);
        Some((RecordName::of_secret(&name, MANAGEMENT, &binding), binding))
    };
    let clients = discovered::clients(system);
    let registered = clients.into_iter().filter(|(name, client)| client.is_registered() && !stays(name));
    // Only an OAuth provider registers a client.
    let registers = |name: &&ProviderName| {
        !stays(name) && config.provider(name).is_ok_and(|provider| provider.source.oauth().is_some())
    };
    let notes = config.credentials.keys().filter(registers);
    let notes = notes.filter_map(|name| note::record(&store, name).ok());
    registered.filter_map(management).chain(notes).collect()
}
