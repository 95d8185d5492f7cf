//! Fetches and caches what servers publish about themselves: metadata and key sets. `oauth` parses them, this module
//! does the I/O.

pub mod resource;

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::advice::{Advise, Status};
use crate::binding::Binding;
use crate::oauth::endpoint::{EndpointUrl, Issuer, UrlRefused};
use crate::oauth::jose::{KeySet, NotAKeySet};
use crate::oauth::metadata::{Metadata, MetadataError, candidates};
use crate::os::private_file;
use crate::ports::{Folder, HttpError, HttpResponse, Method, System, Transport};
use crate::secret::SecretText;

/// Cached documents older than this are fetched again.
const LONGEST_AGE: SignedDuration = SignedDuration::from_hours(24);

/// Why a server's metadata is not available.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    #[error(transparent)]
    Http(#[from] HttpError),
    /// None of the well-known URLs has a document.
    #[error("{issuer} publishes no metadata (status {status})")]
    NotPublished {
        issuer: String,
        /// The status of the last response.
        status: u16,
    },
    /// A document that authctl must not use.
    #[error("cannot use the metadata of {issuer}")]
    Metadata { issuer: String, source: MetadataError },
    #[error("the metadata of {issuer} has the content type {media_type}, not application/json")]
    NotJson { issuer: String, media_type: crate::text::untrusted::Untrusted },
    #[error(transparent)]
    KeySet(#[from] NotAKeySet),
    #[error("cannot get the key set at {0} (status {1})")]
    NoKeySet(String, u16),
    /// A URL in the metadata was rejected.
    #[error(transparent)]
    Url(#[from] UrlRefused),
}

impl DiscoveryError {
    /// Whether the server publishes a document that belongs to another issuer.
    #[must_use]
    pub fn is_issuer_mismatch(&self) -> bool {
        matches!(self, Self::Metadata { source: MetadataError::IssuerMismatch { .. }, .. })
    }
}

impl Advise for DiscoveryError {
    fn status(&self) -> Status {
        match self {
            Self::Http(error) => error.status(),
            _ => Status::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotPublished { .. } => {
                "set `issuer` to the authorization server's issuer URL, or set `authorization_endpoint` and `token_endpoint`"
            }
            Self::Metadata { .. } => "set `issuer` to exactly the URL that the server reports",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// The content of a cache file: public data and the time it was fetched.
#[derive(Serialize, Deserialize)]
struct Cached {
    fetched_at: Timestamp,
    source: String,
    body: String,
}

/// Which issuer's metadata to get, and how to check it.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    pub issuer: &'a Issuer,
    /// The issuer was derived from the domain instead of configured.
    pub derived: bool,
    /// The document's issuer may contain `{tenantid}`.
    pub tenant: bool,
    pub transport: &'a Transport,
    /// Skip the cache.
    pub fresh: bool,
}

/// An issuer's metadata, from the cache or the server (RFC 8414 section 3).
///
/// # Errors
/// The first problem, if several URLs were tried.
pub fn metadata(system: &System, query: &Query<'_>) -> Result<Metadata, DiscoveryError> {
    let parse = |body: &[u8]| Metadata::parse(body, query.issuer, query.derived, query.tenant);
    let cache = cache_path(system, "metadata", query.issuer.as_str());
    if !query.fresh
        && let Some(body) = read_cache(system, cache.as_ref(), query.issuer.as_str())
        && let Ok(metadata) = parse(body.as_bytes())
    {
        return Ok(metadata);
    }
    let issuer = || query.issuer.to_string();
    let mut first_problem = None;
    let mut last_status = 0;
    for url in candidates(query.issuer) {
        let response = get(system, &url, query)?;
        last_status = response.status;
        if response.status != 200 {
            continue;
        }
        match read(query, &response) {
            Ok(metadata) => {
                write_cache(system, cache, query.issuer.as_str(), &response.body);
                return Ok(metadata);
            }
            Err(problem) => first_problem = first_problem.or(Some(problem)),
        }
    }
    Err(first_problem
        .unwrap_or_else(|| DiscoveryError::NotPublished { issuer: issuer(), status: last_status }))
}

/// An issuer's cached metadata of any age. Its flags still apply while the server is unreachable (F-CB22).
#[must_use]
pub fn last_known(system: &System, query: &Query<'_>) -> Option<Metadata> {
    let cache = cache_path(system, "metadata", query.issuer.as_str());
    let cached = read_cached(cache.as_ref(), query.issuer.as_str())?;
    Metadata::parse(cached.body.as_bytes(), query.issuer, query.derived, query.tenant).ok()
}

/// Fetches the document at each of the issuer's well-known URLs, without the cache. Stops at the first URL that cannot
/// be reached.
#[must_use]
pub fn documents(system: &System, query: &Query<'_>) -> Vec<(Url, Result<Metadata, DiscoveryError>)> {
    let mut documents = Vec::new();
    for url in candidates(query.issuer) {
        let document = get(system, &url, query).and_then(|response| match response.status {
            200 => read(query, &response),
            status => Err(DiscoveryError::NotPublished { issuer: query.issuer.to_string(), status }),
        });
        let unreachable = matches!(document, Err(DiscoveryError::Http(_)));
        documents.push((url, document));
        if unreachable {
            break;
        }
    }
    documents
}

fn read(query: &Query<'_>, response: &HttpResponse) -> Result<Metadata, DiscoveryError> {
    let issuer = || query.issuer.to_string();
    let media_type = response.media_type();
    if media_type == "application/json" || media_type.ends_with("+json") {
        Metadata::parse(&response.body, query.issuer, query.derived, query.tenant)
            .map_err(|source| DiscoveryError::Metadata { issuer: issuer(), source })
    } else {
        Err(DiscoveryError::NotJson {
            issuer: issuer(),
            media_type: crate::text::untrusted::Untrusted::new(media_type),
        })
    }
}

/// The key set at a server's `jwks_uri`, from the cache, or with `fresh` only from the server (OpenID Connect Core
/// section 10.1.1).
pub fn key_set(
    system: &System,
    uri: &EndpointUrl,
    transport: &Transport,
    fresh: bool,
) -> Result<KeySet, DiscoveryError> {
    let cache = cache_path(system, "keys", uri.url().as_str());
    if !fresh
        && let Some(body) = read_cache(system, cache.as_ref(), uri.url().as_str())
        && let Ok(keys) = KeySet::parse(body.as_bytes())
    {
        return Ok(keys);
    }
    let mut request = uri.request(Method::Get, transport);
    request.headers.push(("accept", SecretText::new("application/json")));
    let response = system.http.send(&request)?;
    if response.status != 200 {
        return Err(DiscoveryError::NoKeySet(uri.to_string(), response.status));
    }
    let keys = KeySet::parse(&response.body)?;
    write_cache(system, cache, uri.url().as_str(), &response.body);
    Ok(keys)
}

fn get(system: &System, url: &Url, query: &Query<'_>) -> Result<HttpResponse, DiscoveryError> {
    let mut request = EndpointUrl::configured(url.as_str())?.request(Method::Get, query.transport);
    request.reach = query.issuer.reach();
    request.headers.push(("accept", SecretText::new("application/json")));
    Ok(system.http.send(&request)?)
}

fn cache_path(system: &System, kind: &str, source: &str) -> Option<PathBuf> {
    let folder = system.paths.folder(Folder::Cache).ok()?;
    Some(folder.join(format!("{kind}-{}.json", Binding::default().with("source", source).fingerprint())))
}

/// The cached document, if it is recent. An unreadable cache counts as empty.
fn read_cache(system: &System, path: Option<&PathBuf>, source: &str) -> Option<String> {
    let cached = read_cached(path, source)?;
    let age = system.clock.now().duration_since(cached.fetched_at);
    (!age.is_negative() && age < LONGEST_AGE).then_some(cached.body)
}

fn read_cached(path: Option<&PathBuf>, source: &str) -> Option<Cached> {
    let bytes = private_file::read(path?).ok()??;
    let cached: Cached = serde_json::from_slice(&bytes).ok()?;
    (cached.source == source).then_some(cached)
}

/// Caches a document. If that fails, it is fetched again next time.
fn write_cache(system: &System, path: Option<PathBuf>, source: &str, body: &[u8]) {
    let (Some(path), Ok(body)) = (path, String::from_utf8(body.to_vec())) else { return };
    let cached = Cached { fetched_at: system.clock.now(), source: source.to_owned(), body };
    if let Ok(text) = serde_json::to_vec(&cached) {
        let _ = private_file::write(&path, &text);
    }
}
