//! Makes the client known to an authorization server where nobody configured one: by the metadata document that the user
//! hosts, or by registration (RFC 7591); and ends the registration again (RFC 7592).

use std::net::TcpListener;
use std::time::Duration;

use serde_json::Value;

use super::Session;
use crate::binding::Binding;
use crate::config::Provider;
use crate::config::learned::{self, Before, Learned, LearnedClient};
use crate::foreign::Foreign;
use crate::name::{ProviderName, ScopeSet};
use crate::oauth::answer::EndpointError;
use crate::oauth::client::AuthenticationMethod;
use crate::oauth::endpoint::{EndpointUrl, UrlRefused};
use crate::oauth::registration::{self, ClientIdUrl, ClientMetadata, End, Registration};
use crate::ports::{Folder, HttpError, Transport};
use crate::provider::ProviderError;
use crate::provider::oauth::{OAuth, Server};
use crate::secret::{AccessToken, SecretText};
use crate::setting::{Layer, Setting};
use crate::store::StoreError;
use crate::store::lock::Lock;
use crate::store::record::RecordName;

/// The key of a registered secret in the token store.
const SECRET: &str = "client_secret";
/// The key of what a registration is managed with.
const MANAGEMENT: &str = "registration";

/// The first of the ports that are tried, and how many there are: below those of Linux, Windows and macOS for connections.
const LOWEST_PORT: u16 = 20_000;
const PORTS: u16 = 12_000;
/// A registration takes no longer; who holds its lock for longer logs in.
const SHORT_WAIT: Duration = Duration::from_secs(1);
/// The time that a login has by default, and some more.
const LONGEST_LOGIN: Duration = Duration::from_secs(330);
/// So many taken ports in a row are no chance.
const PORT_TRIES: usize = 16;

/// Why the client is not known to the server.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// Nothing is known of the server.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The server cannot be reached.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A URL was refused.
    #[error(transparent)]
    Url(#[from] UrlRefused),
    /// The server did not register it.
    #[error("the client could not be registered")]
    Refused(#[from] EndpointError),
    /// The server has no way for it.
    #[error("{issuer} registers no clients by itself, and no client_id is configured")]
    NotOffered {
        /// The issuer.
        issuer: String,
    },
    /// The client that was named belongs to another server (C12).
    #[error("the client {client} was named for {before}, and the authorization server is now {now}")]
    OtherIssuer {
        /// The client.
        client: String,
        /// The issuer that it was named for.
        before: String,
        /// The issuer now.
        now: String,
    },
    /// Another client than the one that is configured was named.
    #[error("the client {client} is configured ({origin}), and no other can be used with it")]
    Configured {
        /// The client.
        client: Foreign,
        /// Where.
        origin: String,
    },
    /// There is no port to be returned to.
    #[error("there is no free port on 127.0.0.1: {0}")]
    NoPort(std::io::Error),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

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
        learned::write(session.system, &provider.name, &learned)
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
                    client: Foreign::new(written.text().unwrap_or_default()),
                    origin: written.origin.to_string(),
                }),
            };
        }
        note(plain(id))?;
        return Ok(Known::by_configuration(true));
    }
    let lock = take_turn(session, &issuer)?;
    let known = learned::clients(session.system);
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
                .console
                .note(format_args!("another login at {issuer} is in progress; this one waits for it"));
            let _waiting = system.console.wait("Waiting for the other login");
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
    oauth: &OAuth,
    other: &ProviderName,
    client: &LearnedClient,
) -> Result<bool, RegistrationError> {
    let binding = oauth.binding().with(Binding::CLIENT_ID, &client.id);
    let store = &session.store;
    for (key, needed) in [(SECRET, client.has_secret), (MANAGEMENT, false)] {
        match store.secret(&RecordName::of_secret(other, key, &binding), &binding)? {
            Some(secret) => {
                let name = RecordName::of_secret(&provider.name, key, &binding);
                store.keep_secret(&name, &binding, &secret)?;
            }
            None if needed => return Ok(false),
            None => {}
        }
    }
    Ok(true)
}

fn register(
    session: &Session<'_>,
    provider: &Provider,
    oauth: &OAuth,
    server: &Server<'_>,
    wanted: &Wanted<'_>,
) -> Result<LearnedClient, RegistrationError> {
    let endpoint = server.endpoint("registration_endpoint")?;
    let port = free_port(session).map_err(RegistrationError::NoPort)?;
    let redirect_uri = format!("http://127.0.0.1:{port}/callback");
    let scopes = wanted.scopes.union(&wanted.further);
    let mut metadata = ClientMetadata {
        redirect_uris: vec![redirect_uri.clone()],
        scope: Some(scopes.to_string()).filter(|scopes| !scopes.is_empty()),
        method: method(server),
    };
    let send =
        |metadata: &ClientMetadata| session.system.http.send(&metadata.request(&endpoint, &oauth.transport));
    let mut response = send(&metadata)?;
    let mut answer = registration::response(&response);
    // Some servers register no scopes but their own, though they know those of resources: then none are named, and the
    // server chooses (RFC 7591 section 2).
    if answer.as_ref().is_err_and(|error| error.is("invalid_client_metadata"))
        && metadata.scope.take().is_some()
    {
        response = send(&metadata)?;
        answer = registration::response(&response);
    }
    let registration = answer?;
    let returned = registration.redirect_uris.as_ref().is_none_or(|uris| uris.contains(&redirect_uri));
    if !returned {
        let reason = "it registered another redirect URI than was asked for";
        return Err(crate::oauth::answer::unusable("registration endpoint", &response, reason).into());
    }
    keep_secrets(session, provider, oauth, &registration)?;
    Ok(LearnedClient {
        id: registration.client_id,
        issuer: oauth.issuer().as_str().to_owned(),
        redirect_uri: Some(redirect_uri),
        has_secret: registration.client_secret.is_some(),
        method: registration.method.map(|method| method.name().to_owned()),
        // What was left out of those that were asked for stays so: another registration would not have it either.
        scopes: registration.scopes.map(|granted| granted.union(&scopes)),
        secret_ends: registration.secret_ends,
    })
}

/// A port to return to. Many servers compare it, though RFC 8252 says that they must not, so that it is remembered: one
/// that systems do not give to connections by themselves is likely to be free the next time as well.
fn free_port(session: &Session<'_>) -> std::io::Result<u16> {
    let bind = |port: u16| TcpListener::bind(("127.0.0.1", port)).and_then(|listener| listener.local_addr());
    for _ in 0..PORT_TRIES {
        let mut bytes = [0; 2];
        session.system.random.fill(&mut bytes);
        if let Ok(address) = bind(LOWEST_PORT + u16::from_be_bytes(bytes) % PORTS) {
            return Ok(address.port());
        }
    }
    bind(0).map(|address| address.port())
}

/// A public client where the server takes one: what a program on a person's machine knows is no secret (RFC 8252 section
/// 8.5).
fn method(server: &Server<'_>) -> AuthenticationMethod {
    let offered = server.strings("token_endpoint_auth_methods_supported");
    let takes = |method: AuthenticationMethod| {
        offered.as_ref().is_none_or(|offered| offered.iter().any(|name| name == method.name()))
    };
    let methods = [
        AuthenticationMethod::None,
        AuthenticationMethod::ClientSecretBasic,
        AuthenticationMethod::ClientSecretPost,
    ];
    methods.into_iter().find(|&method| takes(method)).unwrap_or(AuthenticationMethod::None)
}

fn keep_secrets(
    session: &Session<'_>,
    provider: &Provider,
    oauth: &OAuth,
    registration: &Registration,
) -> Result<(), StoreError> {
    let binding = oauth.binding().with(Binding::CLIENT_ID, &registration.client_id);
    let keep = |key: &str, text: &SecretText| {
        let name = RecordName::of_secret(&provider.name, key, &binding);
        session.store.keep_secret(&name, &binding, text).map(drop)
    };
    if let Some(secret) = &registration.client_secret {
        keep(SECRET, &SecretText::new(secret.expose()))?;
    }
    if let Some(management) = &registration.management {
        let text = serde_json::json!({ "uri": management.uri, "token": management.token.expose() });
        keep(MANAGEMENT, &SecretText::new(text.to_string()))?;
    }
    Ok(())
}

/// The records of what registrations are managed with, for whoever moves all records.
#[must_use]
pub fn management_records(session: &Session<'_>) -> Vec<(RecordName, Binding)> {
    let record = |(name, client): (ProviderName, LearnedClient)| {
        let provider = session.config.provider(&name).ok()?;
        let binding = provider.source.oauth()?.binding().with(Binding::CLIENT_ID, client.id);
        Some((RecordName::of_secret(&name, MANAGEMENT, &binding), binding))
    };
    let registered =
        learned::clients(session.system).into_iter().filter(|(_, client)| client.is_registered());
    registered.filter_map(record).collect()
}

/// Forgets a provider that was only learned, and ends its client's registration at the server where no other provider uses
/// it. Says what the server made of that; `None` where there was nothing to tell.
///
/// # Errors
/// [`StoreError`].
pub fn forget(session: &Session<'_>, provider: &Provider, local: bool) -> Result<Option<End>, StoreError> {
    let known = learned::clients(session.system);
    let own = known.iter().find(|(name, _)| *name == provider.name).map(|(_, client)| client);
    let told = match (own, provider.source.oauth()) {
        (Some(client), Some(oauth)) => retire(session, provider, oauth, client, &known, local)?,
        _ => None,
    };
    learned::forget(session.system, &provider.name)?;
    Ok(told)
}

/// After a login with another client: the registration before it is nobody's any more. That it lingers is no reason to fail.
pub fn end_replaced(session: &Session<'_>, provider: &Provider, replaced: &LearnedClient) {
    if let Some(oauth) = provider.source.oauth() {
        let _ = retire(session, provider, oauth, replaced, &learned::clients(session.system), false);
    }
}

/// After a login that failed: what worked before works again, and a client that was registered for it is ended.
///
/// # Errors
/// [`StoreError`].
pub fn take_back(session: &Session<'_>, provider: &Provider, before: &Before) -> Result<(), StoreError> {
    let known = learned::clients(session.system);
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
    oauth: &OAuth,
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
    let management = session.store.secret(&record(MANAGEMENT), &binding)?;
    let told = management
        .filter(|_| !local && !shared && reachable)
        .map(|management| end(session, oauth, &management).unwrap_or(End::Failed));
    session.store.forget_secret(&record(MANAGEMENT))?;
    session.store.forget_secret(&record(SECRET))?;
    Ok(told)
}

fn end(session: &Session<'_>, oauth: &OAuth, management: &SecretText) -> Option<End> {
    let management: Value = serde_json::from_str(management.expose()).ok()?;
    let uri = EndpointUrl::learned(management["uri"].as_str()?, oauth.issuer()).ok()?;
    let token = AccessToken::parse(management["token"].as_str()?).ok()?;
    let transport = Transport { identity: None, ..oauth.transport.clone() };
    let response = session.system.http.send(&registration::deletion(&uri, &token, &transport)).ok()?;
    Some(End::of(&response))
}
