//! Makes the client known to an authorization server where nobody configured one: by the metadata document that the user
//! hosts, or by registration (RFC 7591); and ends the registration again (RFC 7592).

mod end;
mod error;
mod register;

use std::net::TcpListener;
use std::time::Duration;

pub use self::end::{end_replaced, forget, management_records, take_back};
pub use self::error::RegistrationError;
use self::register::register;
use super::Session;
use crate::binding::Binding;
use crate::config::Provider;
use crate::config::discovered;
use crate::config::discovered::{Learned, LearnedClient};
use crate::name::{ProviderName, ScopeSet};
use crate::oauth::registration::ClientIdUrl;
use crate::ports::Folder;
use crate::ports::prompter::WaitReason;
use crate::provider::client::OAuthClient;
use crate::schema::{Layer, Setting};
use crate::store::StoreError;
use crate::store::lock::Lock;
use crate::text::untrusted::Untrusted;

/// The key of a registered secret in the token store.
const SECRET: &str = "client_secret";
/// The key of what a registration is managed with.
const MANAGEMENT: &str = "registration";

/// A registration takes no longer; who holds its lock for longer logs in.
const SHORT_WAIT: Duration = Duration::from_secs(1);
/// The time that a login has by default, and some more.
const LONGEST_LOGIN: Duration = Duration::from_secs(330);

/// What the client is to be good for.
#[derive(Debug, Clone, Default)]
pub struct Wanted<'a> {
    /// The client to be, where one is named.
    pub named: Option<&'a str>,
    /// Its metadata document, where the user hosts one.
    pub document: Option<&'a ClientIdUrl>,
    /// The scopes of the login.
    pub scopes: ScopeSet,
    /// Scopes that a later login may need.
    pub further: ScopeSet,
}

/// A client that the server knows.
#[derive(Debug, Default)]
pub struct Known {
    /// Whether the configuration has changed by it.
    pub changed: bool,
    /// The lock of whoever uses the registration's redirect URI: there is one port for all logins with it, so that it is
    /// kept until the login is over.
    pub lock: Option<Lock>,
    /// The registration that was the provider's before, and is nobody's when the login has succeeded.
    pub replaced: Option<LearnedClient>,
}

impl Known {
    fn by_configuration(changed: bool) -> Self {
        Self { changed, ..Self::default() }
    }
}

/// Makes sure that the server knows the client: configured, known from before, by its metadata document, or registered now,
/// in this order (C6).
///
/// # Errors
/// [`RegistrationError`].
pub fn ensure(
    session: &Session<'_>,
    provider: &Provider,
    wanted: &Wanted<'_>,
) -> Result<Known, RegistrationError> {
    let Some(oauth) = provider.source.oauth() else { return Ok(Known::default()) };
    let issuer = oauth.issuer().as_str().to_owned();
    let note = |client: LearnedClient| {
        let learned = Learned { client: Some(client), ..Learned::default() };
        discovered::write(session.system, &provider.name, &learned)
    };
    let plain = |id: &str| LearnedClient {
        id: id.to_owned(),
        issuer: issuer.clone(),
        redirect_uri: None,
        has_secret: false,
        method: None,
        scopes: None,
        secret_ends: None,
    };
    if let Some(id) = wanted.named {
        if let Some(written) = configured_client(session, provider) {
            return match written.text() == Some(id) {
                true => Ok(Known::default()),
                false => Err(RegistrationError::Configured {
                    client: Untrusted::new(written.text().unwrap_or_default()),
                    origin: written.origin.to_string(),
                }),
            };
        }
        note(plain(id))?;
        return Ok(Known::by_configuration(true));
    }
    let lock = take_turn(session, &issuer)?;
    let known = discovered::clients(session.system);
    let own = known.iter().find(|(name, _)| *name == provider.name).map(|(_, client)| client);
    match own {
        _ if oauth.client_id().is_ok()
            && own.is_none_or(|own| oauth.client_id().ok() != Some(own.id.as_str())) =>
        {
            return Ok(Known::by_configuration(false));
        }
        Some(own) if own.issuer == issuer && is_usable(session, own, wanted) => {
            return Ok(Known {
                changed: oauth.client_id().is_err(),
                lock: Some(lock).filter(|_| own.is_registered()),
                replaced: None,
            });
        }
        Some(own) if own.issuer != issuer && !own.is_registered() => {
            return Err(RegistrationError::OtherIssuer {
                client: own.id.clone(),
                before: own.issuer.clone(),
                now: issuer,
            });
        }
        _ => {}
    }
    let replaced = |client: &LearnedClient| {
        let is_another = |own: &&LearnedClient| {
            own.is_registered() && (&own.id, &own.issuer) != (&client.id, &client.issuer)
        };
        own.filter(is_another).cloned()
    };
    let context = session.context(&provider.name);
    let server = oauth.server(&context, &["authorization_endpoint", "token_endpoint"])?;
    if let Some(document) = wanted.document
        && server.says("client_id_metadata_document_supported")
    {
        note(plain(document.as_str()))?;
        return Ok(Known::by_configuration(true));
    }
    let other = known.iter().find(|(name, client)| {
        *name != provider.name
            && client.issuer == issuer
            && client.is_registered()
            && is_usable(session, client, wanted)
    });
    if let Some((other, client)) = other
        && share_secrets(session, provider, oauth, other, client)?
    {
        note(client.clone())?;
        return Ok(Known { changed: true, lock: Some(lock), replaced: replaced(client) });
    }
    if !server.has("registration_endpoint") {
        let configured = session.config.credentials.get(&provider.name);
        let configured = configured.is_some_and(|credential| credential.origin.layer() != Layer::Learned);
        return match oauth.client_id() {
            // Its template may know where an app is registered.
            Err(error) if configured => Err(error.into()),
            _ => Err(RegistrationError::NotOffered { issuer }),
        };
    }
    let client = register(session, provider, oauth, &server, wanted)?;
    note(client.clone())?;
    Ok(Known { changed: true, lock: Some(lock), replaced: replaced(&client) })
}

/// The client's identifier where somebody wrote it for this provider.
fn configured_client<'a>(session: &Session<'a>, provider: &Provider) -> Option<&'a Setting> {
    let written =
        session.config.credentials.get(&provider.name)?.kind.as_ref()?.table.table()?.get("client_id")?;
    (!matches!(written.origin.layer(), Layer::Template | Layer::Learned)).then_some(written)
}

/// One login with a registered client after the other: a second process finds what the first one registered, and the port
/// that it returns to free again (G5).
fn take_turn(session: &Session<'_>, issuer: &str) -> Result<Lock, StoreError> {
    let system = session.system;
    let mark = Binding::default().with(Binding::ISSUER, issuer).fingerprint();
    let path = system.paths.folder(Folder::State)?.join(format!("registration-{mark}.lock"));
    match Lock::take(&path, SHORT_WAIT, &*system.clock) {
        Err(StoreError::LockTimeout { .. }) => {
            system
                .prompter
                .note(&format_args!("another login at {issuer} is in progress; this one waits for it"));
            let _waiting = system.prompter.wait(WaitReason::OtherLogin, None);
            Lock::take(&path, LONGEST_LOGIN, &*system.clock)
        }
        taken => taken,
    }
}

/// Whether a known client can be used for a login: its secret has not ended, it may ask for the scopes, and the port that it
/// returns to is free.
fn is_usable(session: &Session<'_>, client: &LearnedClient, wanted: &Wanted<'_>) -> bool {
    let ended = client.secret_ends.is_some_and(|ends| ends <= session.system.clock.now());
    let port = client.redirect_uri.as_ref().and_then(|uri| uri.parse::<url::Url>().ok()?.port());
    let may_ask = client.scopes.as_ref().is_none_or(|scopes| wanted.scopes.is_subset(scopes));
    !ended && may_ask && port.is_none_or(|port| TcpListener::bind(("127.0.0.1", port)).is_ok())
}

/// A client of the same server that was registered for another provider: its secret is needed here as well, and what it is
/// managed with by whoever is the last to use it. Says whether it can be used.
fn share_secrets(
    session: &Session<'_>,
    provider: &Provider,
    oauth: &OAuthClient,
    other: &ProviderName,
    client: &LearnedClient,
) -> Result<bool, RegistrationError> {
    let binding = oauth.binding().with(Binding::CLIENT_ID, &client.id);
    let store = &session.store;
    for (key, needed) in [(SECRET, client.has_secret), (MANAGEMENT, false)] {
        match store.secret(other, key, &binding)? {
            Some(secret) => {
                store.save_secret(&provider.name, key, &binding, &secret)?;
            }
            None if needed => return Ok(false),
            None => {}
        }
    }
    Ok(true)
}
