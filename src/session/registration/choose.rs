//! Chooses the client of a login, in this order: the configured one, the one that the user names, an earlier login's,
//! the user's metadata document, or a new registration (Model Context Protocol, "Client Registration Approaches").

use std::net::TcpListener;
use std::time::Duration;

use super::end::end_registration;
use super::error::RegistrationError;
use super::login_client::{LoginClient, Origin};
use super::note::Registered;
use super::register::register;
use super::{note, secrets};
use crate::binding::Binding;
use crate::config::Provider;
use crate::config::discovered::{self, DiscoveredClient};
use crate::failpoint;
use crate::name::{ProviderName, ScopeSet};
use crate::oauth::registration::ClientIdUrl;
use crate::ports::Folder;
use crate::ports::prompter::WaitReason;
use crate::provider::client::{OAuthClient, Server};
use crate::schema::{Layer, Setting};
use crate::session::Session;
use crate::store::StoreError;
use crate::store::lock::Lock;
use crate::text::untrusted::Untrusted;

/// A registration takes no longer than this. A process that holds the lock for longer is logging in.
const SHORT_WAIT: Duration = Duration::from_secs(1);
/// The default time limit of a login, and some more.
const LONGEST_LOGIN: Duration = Duration::from_secs(330);

/// What a login requires of its client.
#[derive(Debug, Clone, Default)]
pub struct ClientRequest<'a> {
    /// The client that the user names.
    pub client_id: Option<&'a str>,
    /// The URL of the client's metadata document, if the user hosts one.
    pub document: Option<&'a ClientIdUrl>,
    /// The login's scopes.
    pub scopes: ScopeSet,
    /// Scopes that a later login may need.
    pub further_scopes: ScopeSet,
}

/// Chooses the client of a login, and registers one if no other is available.
pub fn choose(
    session: &Session<'_>,
    provider: &Provider,
    request: &ClientRequest<'_>,
) -> Result<LoginClient, RegistrationError> {
    let Some(oauth) = provider.source.oauth() else { return Ok(LoginClient::default()) };
    if let Some(id) = request.client_id {
        return Choice::new(session, provider, oauth, request).named(id);
    }
    if is_configured(session, provider, oauth) {
        return Ok(LoginClient::default());
    }
    let lock = take_turn(session, oauth.issuer().as_str())?;
    let choice = Choice::new(session, provider, oauth, request);
    if let Some(client) = choice.of_earlier_login()? {
        let is_registered = choice.own().is_some_and(DiscoveredClient::is_registered);
        return Ok(LoginClient { _lock: Some(lock).filter(|_| is_registered), ..client });
    }
    let context = session.context(&provider.name);
    let server = oauth.server(&context, &["authorization_endpoint", "token_endpoint"])?;
    if let Some(client) = choice.by_document(&server) {
        return Ok(client);
    }
    if let Some(client) = choice.of_another_provider()? {
        return Ok(client.holding(lock));
    }
    if let Some(client) = choice.of_unfinished_login()? {
        return Ok(client.holding(lock));
    }
    Ok(choice.registered_now(&server)?.holding(lock))
}

struct Choice<'a> {
    session: &'a Session<'a>,
    provider: &'a Provider,
    oauth: &'a OAuthClient,
    request: &'a ClientRequest<'a>,
    issuer: &'a str,
    /// The saved clients of all providers.
    saved: Vec<(ProviderName, DiscoveredClient)>,
}

impl<'a> Choice<'a> {
    fn new(
        session: &'a Session<'a>,
        provider: &'a Provider,
        oauth: &'a OAuthClient,
        request: &'a ClientRequest<'a>,
    ) -> Self {
        let saved = discovered::clients(session.system);
        Self { session, provider, oauth, request, issuer: oauth.issuer().as_str(), saved }
    }

    /// The client that the user names, if no other client is configured.
    fn named(&self, id: &str) -> Result<LoginClient, RegistrationError> {
        match client_setting(self.session, self.provider) {
            Some(written) if !matches!(written.origin.layer(), Layer::Template | Layer::Discovered) => {
                match written.text() == Some(id) {
                    true => Ok(LoginClient::default()),
                    false => Err(RegistrationError::Configured {
                        client: Untrusted::new(written.text().unwrap_or_default()),
                        origin: written.origin.to_string(),
                    }),
                }
            }
            _ => Ok(self.client(DiscoveredClient::known_as(id, self.issuer), Origin::Known)),
        }
    }

    /// The client that an earlier login saved. A client that the user named for another issuer is neither used at this
    /// one nor replaced.
    fn of_earlier_login(&self) -> Result<Option<LoginClient>, RegistrationError> {
        let Some(own) = self.own() else { return Ok(None) };
        if own.issuer == self.issuer && self.is_usable(own) {
            let is_news = self.oauth.client_id().is_err();
            let discovered = Some(own.clone()).filter(|_| is_news);
            return Ok(Some(LoginClient { discovered, ..LoginClient::default() }));
        }
        if own.issuer != self.issuer && !own.is_registered() {
            return Err(RegistrationError::OtherIssuer {
                client: own.id.clone(),
                before: own.issuer.clone(),
                now: self.issuer.to_owned(),
            });
        }
        Ok(None)
    }

    fn by_document(&self, server: &Server<'_>) -> Option<LoginClient> {
        let document =
            self.request.document.filter(|_| server.says("client_id_metadata_document_supported"))?;
        Some(self.client(DiscoveredClient::known_as(document.as_str(), self.issuer), Origin::Known))
    }

    /// A client of the same server that was registered for another provider.
    fn of_another_provider(&self) -> Result<Option<LoginClient>, RegistrationError> {
        let fits = |client: &DiscoveredClient| {
            client.issuer == self.issuer && client.is_registered() && self.is_usable(client)
        };
        let mut others = self.saved.iter().filter(|(name, _)| *name != self.provider.name);
        let Some((name, client)) = others.find(|(_, client)| fits(client)) else { return Ok(None) };
        let is_usable = secrets::copy(self.session, self.provider, self.oauth, name, client)?;
        Ok(is_usable.then(|| self.client(client.clone(), Origin::Copied)))
    }

    /// A client that was registered for a login that then failed. A client that cannot be used does not count.
    fn of_unfinished_login(&self) -> Result<Option<LoginClient>, RegistrationError> {
        let Some(registered) = note::read(self.session, &self.provider.name)? else { return Ok(None) };
        let client = &registered.client;
        let is_saved = self.own().is_some_and(|own| own.is_same(client));
        if client.issuer == self.issuer && !is_saved {
            if self.is_usable(client) {
                return self.with_secret(registered).map(Some);
            }
            let _ = end_registration(self.session, self.oauth, registered.management.as_ref());
        }
        note::forget(self.session, &self.provider.name)?;
        Ok(None)
    }

    /// A new registration. The note is written first, so that no later failure loses the registration.
    fn registered_now(&self, server: &Server<'_>) -> Result<LoginClient, RegistrationError> {
        if !server.has("registration_endpoint") {
            return Err(self.not_offered());
        }
        let scopes = self.request.scopes.union(&self.request.further_scopes);
        let registered = register(self.session, self.oauth, server, &scopes)?;
        note::write(self.session, &self.provider.name, &registered)?;
        failpoint::crash("registered");
        self.with_secret(registered)
    }

    fn with_secret(&self, registered: Registered) -> Result<LoginClient, RegistrationError> {
        let (client, secret) = (&registered.client, registered.secret.as_ref());
        secrets::store_secret(self.session, self.provider, self.oauth, client, secret)?;
        Ok(self.client(client.clone(), Origin::Registered(Box::new(registered))))
    }

    fn client(&self, client: DiscoveredClient, origin: Origin) -> LoginClient {
        let replaced = self.own().filter(|own| own.is_registered() && !own.is_same(&client)).cloned();
        LoginClient { discovered: Some(client), origin, replaced, _lock: None }
    }

    fn own(&self) -> Option<&DiscoveredClient> {
        self.saved.iter().find(|(name, _)| *name == self.provider.name).map(|(_, client)| client)
    }

    /// Whether a login can use a client: its secret has not expired, it may request the scopes, and its redirect port
    /// is free.
    fn is_usable(&self, client: &DiscoveredClient) -> bool {
        let has_expired = client.secret_ends.is_some_and(|end| end <= self.session.system.clock.now());
        let may_ask = client.scopes.as_ref().is_none_or(|scopes| self.request.scopes.is_subset(scopes));
        let port = client.redirect_uri.as_ref().and_then(|uri| uri.parse::<url::Url>().ok()?.port());
        let is_free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
        !has_expired && may_ask && port.is_none_or(is_free)
    }

    fn not_offered(&self) -> RegistrationError {
        let credential = self.session.config.credentials.get(&self.provider.name);
        let is_written = credential.is_some_and(|credential| credential.origin.layer() != Layer::Discovered);
        match self.oauth.client_id() {
            // The template may know where to register an app.
            Err(error) if is_written => error.into(),
            _ => RegistrationError::NotOffered { issuer: self.issuer.to_owned() },
        }
    }
}

impl LoginClient {
    fn holding(self, lock: Lock) -> Self {
        Self { _lock: Some(lock), ..self }
    }
}

fn client_setting<'a>(session: &Session<'a>, provider: &Provider) -> Option<&'a Setting> {
    session.config.credentials.get(&provider.name)?.kind.as_ref()?.table.table()?.get("client_id")
}

/// Whether a person or a template has configured the client.
fn is_configured(session: &Session<'_>, provider: &Provider, oauth: &OAuthClient) -> bool {
    let is_written = |setting: &Setting| !discovered::is_discovered(setting);
    oauth.client_id().is_ok() && client_setting(session, provider).is_some_and(is_written)
}

/// Logins with a registered client take turns: a second process finds the first one's registration, and its redirect
/// port is free again.
fn take_turn(session: &Session<'_>, issuer: &str) -> Result<Lock, StoreError> {
    let system = session.system;
    let mark = Binding::default().with(Binding::ISSUER, issuer).fingerprint();
    let path = system.paths.folder(Folder::State)?.join(format!("registration-{mark}.lock"));
    match Lock::take(&path, SHORT_WAIT, &*system.clock) {
        Err(StoreError::LockTimeout { .. }) => {
            system.prompter.note(&format_args!("another login at {issuer} is in progress; waiting for it"));
            let _waiting = system.prompter.wait(WaitReason::OtherLogin, None);
            Lock::take(&path, LONGEST_LOGIN, &*system.clock)
        }
        taken => taken,
    }
}
