//! Finds out what a URL is: a protected resource whose tokens come from an authorization server (RFC 9728, as in the
//! Model Context Protocol's authorization), or an authorization server itself.

use url::Url;

use crate::advice::{Advise, Status};
use crate::discovery::{self, DiscoveryError, Query};
use crate::name::ScopeSet;
use crate::oauth::challenge::{self, Challenge};
use crate::oauth::endpoint::{EndpointUrl, Issuer, UrlRefused};
use crate::oauth::metadata::Metadata;
use crate::oauth::resource_metadata::{self, ResourceMetadata, ResourceMetadataError, canonical};
use crate::ports::{HttpError, HttpResponse, Method, Reach, System, Transport};
use crate::secret::SecretText;

/// What a harmless request to a resource accepts. MCP servers answer a GET with an event stream.
const ACCEPT: &str = "application/json, text/event-stream";
/// The scope that requests a refresh token, and the prompt it requires: without it, the server "MUST ignore the
/// `offline_access` request" (OpenID Connect Core section 11).
const OFFLINE: &str = "offline_access";
const CONSENT: &str = "consent";
/// The scopes that a login at an OpenID provider requests, if the provider supports them.
const OPENID_SCOPES: [&str; 4] = ["openid", "profile", "email", OFFLINE];

/// What a login needs to know about a URL.
#[derive(Debug, Clone)]
pub struct DiscoveredUrl {
    pub url: Url,
    /// The authorization server's issuer.
    pub issuer: String,
    /// The scopes to request.
    pub scopes: ScopeSet,
    /// All the scopes that the resource lists. A later login may need them.
    pub scopes_supported: ScopeSet,
    /// The resource that tokens are for (RFC 8707).
    pub resource: Option<String>,
    /// The resource's display name.
    pub title: Option<String>,
}

impl DiscoveredUrl {
    /// A URL for which only the authorization server is known.
    #[must_use]
    pub fn at(url: Url, issuer: String) -> Self {
        let (scopes, scopes_supported) = Default::default();
        Self { url, issuer, scopes, scopes_supported, resource: None, title: None }
    }

    /// The `prompt` that the scopes require in the authorization request.
    #[must_use]
    pub fn prompt(&self) -> Option<&'static str> {
        self.scopes.contains(OFFLINE).then_some(CONSENT)
    }
}

/// Why authctl cannot log in to a URL.
#[derive(Debug, thiserror::Error)]
pub enum UrlDiscoveryError {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("the resource supplied a URL that authctl refuses to use")]
    Url(#[from] UrlRefused),
    /// Its metadata must not be used.
    #[error("cannot use the resource metadata at {url}")]
    Resource { url: String, source: ResourceMetadataError },
    /// The metadata is not where the resource says.
    #[error("the resource metadata at {url} does not exist (status {status})")]
    NoResourceMetadata { url: String, status: u16 },
    #[error("the resource names no authorization server")]
    NoServer,
    #[error("the authorization server's metadata is not available")]
    Discovery(#[from] DiscoveryError),
    /// MCP 2025-11-25: "clients MUST refuse to proceed".
    #[error(
        "the authorization server {0} does not announce support for PKCE (S256), which this resource requires"
    )]
    NoPkce(String),
}

impl Advise for UrlDiscoveryError {
    fn status(&self) -> Status {
        match self {
            Self::Http(error) => error.status(),
            Self::Discovery(error) => error.status(),
            _ => Status::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Discovery(DiscoveryError::NotPublished { .. }) => {
                "check the URL in the service's documentation, or configure the provider with `authctl provider add`"
            }
            Self::Resource { source: ResourceMetadataError::OtherResource { .. }, .. } => {
                "to use that resource, log in to its own URL"
            }
            Self::NoPkce(_) => {
                "ask the server's operator to add `code_challenge_methods_supported` to its metadata"
            }
            error if error.status() == Status::Unreachable => "try again later",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// Finds out what a URL is. `challenge` is the `WWW-Authenticate` header of the URL's response; without it, this
/// function sends a request to the URL. After `insufficient_scope`, the earlier scopes are requested again (Model
/// Context Protocol, "Step-Up Authorization Flow").
pub fn discover(
    system: &System,
    url: &EndpointUrl,
    challenge: Option<&str>,
    asked_before: Option<&ScopeSet>,
) -> Result<DiscoveredUrl, UrlDiscoveryError> {
    let challenges = match challenge {
        Some(text) => challenge::parse(text),
        None => challenge::challenges(&get(system, url)?),
    };
    let challenge = token_challenge(challenges);
    let found = resource_metadata(system, url, challenge.as_ref())?;
    match found {
        Some(metadata) => of_resource(system, url, &metadata, challenge.as_ref(), asked_before),
        None => of_server(system, url, challenge.as_ref(), asked_before),
    }
}

/// The scopes that a challenge requests, for a URL that is already configured.
#[must_use]
pub fn challenged_scopes(challenge: &str, configured: &ScopeSet) -> Option<ScopeSet> {
    let challenge = token_challenge(challenge::parse(challenge))?;
    let scopes = stepped_up(challenge.scope()?, Some(&challenge), Some(configured));
    Some(scopes.union(&configured.intersection(&ScopeSet::lenient(OFFLINE))))
}

fn token_challenge(challenges: Vec<Challenge>) -> Option<Challenge> {
    challenges.into_iter().find(|challenge| matches!(challenge.scheme.as_str(), "bearer" | "dpop"))
}

/// The resource's metadata, from the URL in the challenge or else from its well-known URLs (RFC 9728 sections 3.1 and
/// 5.1).
fn resource_metadata(
    system: &System,
    url: &EndpointUrl,
    challenge: Option<&Challenge>,
) -> Result<Option<ResourceMetadata>, UrlDiscoveryError> {
    let read = |response: &HttpResponse, place: &Url, resource: &Url| {
        ResourceMetadata::parse(&response.body, resource).map_err(|source| UrlDiscoveryError::Resource {
            url: crate::text::untrusted::escaped(place.as_str()),
            source,
        })
    };
    if let Some(named) = challenge.and_then(|challenge| challenge.parameter("resource_metadata")) {
        let place = EndpointUrl::discovered_beside(named, url.url(), Reach::Configured)?;
        let response = get(system, &place)?;
        if response.status != 200 {
            return Err(UrlDiscoveryError::NoResourceMetadata {
                url: place.to_string(),
                status: response.status,
            });
        }
        return read(&response, place.url(), url.url()).map(Some);
    }
    for (place, resource) in resource_metadata::candidates(url.url()) {
        let response = get(system, &EndpointUrl::configured(place.as_str())?)?;
        // A page of another application is not metadata.
        let media_type = response.media_type();
        if response.status == 200 && (media_type == "application/json" || media_type.ends_with("+json")) {
            return read(&response, &place, &resource).map(Some);
        }
    }
    Ok(None)
}

fn of_resource(
    system: &System,
    url: &EndpointUrl,
    resource: &ResourceMetadata,
    challenge: Option<&Challenge>,
    asked_before: Option<&ScopeSet>,
) -> Result<DiscoveredUrl, UrlDiscoveryError> {
    let issuer = resource.authorization_servers.first().ok_or(UrlDiscoveryError::NoServer)?;
    let issuer = Issuer::discovered(issuer, url.url())?;
    let metadata = server_metadata(system, &issuer, false)?;
    let methods = metadata.strings("code_challenge_methods_supported").unwrap_or_default();
    if !methods.iter().any(|method| method == "S256") {
        return Err(UrlDiscoveryError::NoPkce(issuer.to_string()));
    }
    // The challenge lists what this request needs, the metadata lists all scopes.
    let named = challenge.and_then(Challenge::scope).or_else(|| resource.scopes.clone());
    let scopes = with_renewal(named.unwrap_or_default(), &metadata);
    Ok(DiscoveredUrl {
        url: url.url().clone(),
        issuer: issuer.as_str().to_owned(),
        scopes: stepped_up(scopes, challenge, asked_before),
        scopes_supported: resource.scopes.clone().unwrap_or_default(),
        resource: Some(resource.resource.clone()),
        title: resource.name.clone(),
    })
}

/// Without resource metadata, the URL is an authorization server, or a resource on an authorization server's host (as
/// in the first revision of MCP).
fn of_server(
    system: &System,
    url: &EndpointUrl,
    challenge: Option<&Challenge>,
    asked_before: Option<&ScopeSet>,
) -> Result<DiscoveredUrl, UrlDiscoveryError> {
    let mut base = url.url().clone();
    base.set_query(None);
    let issuer = Issuer::configured(&canonical(&base))?;
    let (issuer, metadata) = match server_metadata(system, &issuer, true) {
        Ok(metadata) => (issuer, metadata),
        Err(error @ DiscoveryError::NotPublished { .. }) if base.path() != "/" => {
            base.set_path("/");
            let origin = Issuer::configured(&canonical(&base))?;
            match server_metadata(system, &origin, true) {
                Ok(metadata) => (origin, metadata),
                Err(DiscoveryError::NotPublished { .. }) => return Err(error.into()),
                Err(error) => return Err(error.into()),
            }
        }
        Err(error) => return Err(error.into()),
    };
    let offered = metadata.strings("scopes_supported").unwrap_or_default();
    let is_offered = |scope: &&str| offered.iter().any(|offered| offered == scope);
    let scopes = match challenge.and_then(Challenge::scope) {
        Some(scopes) => with_renewal(scopes, &metadata),
        None if challenge.is_none() && is_offered(&"openid") => {
            let scopes: Vec<&str> = OPENID_SCOPES.into_iter().filter(is_offered).collect();
            ScopeSet::lenient(&scopes.join(" "))
        }
        None => with_renewal(ScopeSet::default(), &metadata),
    };
    Ok(DiscoveredUrl {
        url: url.url().clone(),
        // Exactly as the document writes it, because issuers are compared as strings from here on.
        issuer: metadata.issuer().unwrap_or(issuer.as_str()).to_owned(),
        scopes: stepped_up(scopes, challenge, asked_before),
        scopes_supported: ScopeSet::default(),
        // A challenge means that the token must be for this resource (RFC 8707).
        resource: challenge.map(|_| canonical(url.url())),
        title: None,
    })
}

/// Requests a refresh token if the server documents how (OpenID Connect Core section 11).
fn with_renewal(scopes: ScopeSet, metadata: &Metadata) -> ScopeSet {
    let offered = metadata.strings("scopes_supported").unwrap_or_default();
    let offline = offered.iter().any(|scope| scope == OFFLINE);
    if offline { scopes.union(&ScopeSet::lenient(OFFLINE)) } else { scopes }
}

/// Adds the earlier scopes after `insufficient_scope` (RFC 6750 section 3.1).
fn stepped_up(scopes: ScopeSet, challenge: Option<&Challenge>, asked_before: Option<&ScopeSet>) -> ScopeSet {
    let insufficient =
        challenge.is_some_and(|challenge| challenge.parameter("error") == Some("insufficient_scope"));
    match asked_before.filter(|_| insufficient) {
        Some(before) => scopes.union(before),
        None => scopes,
    }
}

fn server_metadata(system: &System, issuer: &Issuer, derived: bool) -> Result<Metadata, DiscoveryError> {
    let transport = Transport::default();
    // A login must not rely on cached metadata.
    let query = Query { issuer, derived, tenant: false, transport: &transport, fresh: true };
    discovery::metadata(system, &query)
}

fn get(system: &System, url: &EndpointUrl) -> Result<HttpResponse, HttpError> {
    let mut request = url.request(Method::Get, &Transport::default());
    request.headers.push(("accept", SecretText::new(ACCEPT)));
    system.http.send(&request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::check;
    use crate::text::untrusted::Untrusted;

    #[test]
    fn each_error_has_its_status_and_hint() {
        let text = || "x".to_owned();
        let unreachable = || HttpError::NotSent { host: text(), reason: text() };
        let not_published = DiscoveryError::NotPublished { issuer: text(), status: 404 };
        let other = ResourceMetadataError::OtherResource { expected: text(), found: Untrusted::new("y") };
        check(&[
            (&UrlDiscoveryError::Http(unreachable()), Status::Unreachable, "try again later"),
            (&UrlDiscoveryError::Http(HttpError::Setup(text())), Status::Config, ""),
            (&UrlDiscoveryError::Resource { url: text(), source: other }, Status::Failed, "its own URL"),
            (&UrlDiscoveryError::NoResourceMetadata { url: text(), status: 404 }, Status::Failed, ""),
            (&UrlDiscoveryError::NoServer, Status::Failed, ""),
            (&UrlDiscoveryError::Discovery(unreachable().into()), Status::Unreachable, "try again later"),
            (&UrlDiscoveryError::Discovery(not_published), Status::Failed, "authctl provider add"),
            (&UrlDiscoveryError::NoPkce(text()), Status::Failed, "code_challenge_methods_supported"),
        ]);
    }
}
