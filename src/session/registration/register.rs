//! Registers a client at an authorization server (RFC 7591).

use std::net::TcpListener;

use super::error::RegistrationError;
use super::note::Registered;
use crate::config::discovered::DiscoveredClient;
use crate::name::ScopeSet;
use crate::oauth::client::AuthenticationMethod;
use crate::oauth::registration::{self, ClientMetadata, Registration};
use crate::provider::client::{OAuthClient, Server};
use crate::secret::SecretText;
use crate::session::Session;

/// The range of ports to try. It is below the ephemeral ports of Linux, Windows and macOS.
const LOWEST_PORT: u16 = 20_000;
const PORTS: u16 = 12_000;

/// After this many occupied ports in a row, the system chooses one.
const PORT_TRIES: usize = 16;

/// Registers a client that may request these scopes.
pub(super) fn register(
    session: &Session<'_>,
    oauth: &OAuthClient,
    server: &Server<'_>,
    scopes: &ScopeSet,
) -> Result<Registered, RegistrationError> {
    let endpoint = server.endpoint("registration_endpoint")?;
    let port = free_port(session).map_err(RegistrationError::NoPort)?;
    let redirect_uri = format!("http://127.0.0.1:{port}/callback");
    let mut metadata = ClientMetadata {
        redirect_uris: vec![redirect_uri.clone()],
        scope: Some(scopes.to_string()).filter(|scopes| !scopes.is_empty()),
        method: method(server),
    };
    let send =
        |metadata: &ClientMetadata| session.system.http.send(&metadata.request(&endpoint, &oauth.transport));
    let mut response = send(&metadata)?;
    let mut answer = registration::response(&response);
    // Some servers register only their own scopes, although they know those of resources: then the request names none,
    // and the server chooses (RFC 7591 section 2).
    if answer.as_ref().is_err_and(|error| error.is("invalid_client_metadata"))
        && metadata.scope.take().is_some()
    {
        response = send(&metadata)?;
        answer = registration::response(&response);
    }
    let registration = answer?;
    let returned = registration.redirect_uris.as_ref().is_none_or(|uris| uris.contains(&redirect_uri));
    if !returned {
        let reason = "it registered another redirect URI than requested";
        return Err(crate::oauth::answer::unusable("registration endpoint", &response, reason).into());
    }
    Ok(registered(oauth, registration, redirect_uri, scopes))
}

fn registered(
    oauth: &OAuthClient,
    registration: Registration,
    redirect_uri: String,
    asked_for: &ScopeSet,
) -> Registered {
    let client = DiscoveredClient {
        id: registration.client_id,
        issuer: oauth.issuer().as_str().to_owned(),
        redirect_uri: Some(redirect_uri),
        has_secret: registration.client_secret.is_some(),
        method: registration.method.map(|method| method.name().to_owned()),
        // The server omitted the other scopes on purpose. Another registration would not have them either.
        scopes: registration.scopes.map(|granted| granted.union(asked_for)),
        secret_ends: registration.secret_ends,
    };
    let management = registration.management.map(|management| {
        let text = serde_json::json!({ "uri": management.uri, "token": management.token.expose() });
        SecretText::new(text.to_string())
    });
    let secret = registration.client_secret.map(|secret| SecretText::new(secret.expose()));
    Registered { client, secret, management }
}

/// A port for the redirect. Many servers compare it, although RFC 8252 says that they must not, so authctl remembers
/// it. A port outside the ephemeral range is likely to be free next time as well.
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

/// A public client if the server accepts one: a program on a person's machine cannot keep a secret (RFC 8252 section
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
