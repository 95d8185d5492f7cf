//! The note of a registration that no login has used yet. It is all that remains of a login that crashed or failed
//! after the server registered a client: the next login uses that client instead of registering another one.

use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

use crate::binding::Binding;
use crate::config::discovered::DiscoveredClient;
use crate::name::ProviderName;
use crate::secret::SecretText;
use crate::session::Session;
use crate::store::record::RecordName;
use crate::store::{StoreError, TokenStore};

const KEY: &str = "new_registration";

/// A client that the server has just registered.
pub(super) struct Registered {
    pub(super) client: DiscoveredClient,
    pub(super) secret: Option<SecretText>,
    /// The registration access token.
    pub(super) management: Option<SecretText>,
}

/// The note as it is stored.
#[derive(Serialize, Deserialize)]
struct Note {
    client: DiscoveredClient,
    client_secret: Option<String>,
    management: Option<String>,
}

impl Drop for Note {
    fn drop(&mut self) {
        self.client_secret.zeroize();
        self.management.zeroize();
    }
}

pub(super) fn write(
    session: &Session<'_>,
    provider: &ProviderName,
    registered: &Registered,
) -> Result<(), StoreError> {
    let text = |secret: &Option<SecretText>| secret.as_ref().map(|secret| secret.expose().to_owned());
    let note = Note {
        client: registered.client.clone(),
        client_secret: text(&registered.secret),
        management: text(&registered.management),
    };
    // It contains only strings, which JSON can always represent.
    let text = SecretText::new(serde_json::to_string(&note).unwrap_or_default());
    session.store.save_secret(provider, KEY, &binding(&session.store)?, &text).map(drop)
}

/// Reads the note. A note that cannot be read or belongs to another definition of the provider is ignored.
pub(super) fn read(session: &Session<'_>, provider: &ProviderName) -> Result<Option<Registered>, StoreError> {
    let text = match session.store.secret(provider, KEY, &binding(&session.store)?) {
        Err(StoreError::NewPlace { .. } | StoreError::Corrupt { .. }) => None,
        text => text?,
    };
    let note = text.and_then(|text| serde_json::from_str::<Note>(text.expose()).ok());
    Ok(note.map(|mut note| Registered {
        client: note.client.clone(),
        secret: note.client_secret.take().map(SecretText::new),
        management: note.management.take().map(SecretText::new),
    }))
}

pub(super) fn forget(session: &Session<'_>, provider: &ProviderName) -> Result<(), StoreError> {
    session.store.forget_secret(&record(&session.store, provider)?.0).map(drop)
}

/// The note's record and its binding.
pub(super) fn record(
    store: &TokenStore<'_>,
    provider: &ProviderName,
) -> Result<(RecordName, Binding), StoreError> {
    let binding = binding(store)?;
    Ok((RecordName::of_secret(provider, KEY, &binding), binding))
}

/// The note belongs to this machine, because the registered redirect URI contains one of its ports, and other machines
/// may share the store. The client itself names its issuer.
fn binding(store: &TokenStore<'_>) -> Result<Binding, StoreError> {
    Ok(Binding::default().with("machine", store.machine()?))
}
