//! Decides which browser requests to the redirect URI answer the pending request.

use std::collections::BTreeSet;

use subtle::ConstantTimeEq as _;
use url::Url;

use crate::secret::State;
use crate::text::untrusted::Untrusted;

/// The parts of a browser's request to the redirect URI that matter here.
#[derive(Debug, Clone, Default)]
pub struct Redirect {
    pub method: String,
    /// The request target, exactly as it was sent.
    pub target: String,
    pub hosts: Vec<String>,
    pub origin: Option<String>,
    pub fetch_destination: Option<String>,
}

#[derive(Debug)]
pub enum RedirectVerdict<T> {
    /// Not a response to the pending request: it gets this HTTP status and the wait continues.
    Ignored(u16),
    /// A response that refuses the request. The wait is over.
    Refused(AuthorizationError),
    /// The response. The wait is over.
    Answer(T),
}

/// The server's refusal, or a response that matches the request but must not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizationError {
    /// RFC 6749 section 4.1.2.1.
    #[error("the authorization server returned {error}{}", description.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    Server {
        error: Untrusted,
        description: Option<Untrusted>,
        /// Whether the user (or the server on their behalf) denied the request.
        denied: bool,
    },
    /// RFC 9207 section 2.4: "clients MUST reject authorization responses without the `iss` parameter".
    #[error("the response has no `iss`, although the authorization server announces that it sends one")]
    IssuerMissing,
    /// RFC 9207 section 2.4: the response comes from a different server than the request went to.
    #[error("the response is from a different authorization server: its `iss` is {found}, not {expected}")]
    IssuerMismatch { expected: String, found: Untrusted },
    #[error("the authorization server's response has neither a code nor an error")]
    Empty,
}

/// A redirect's parameters, each at most once. An empty parameter counts as missing.
#[derive(Debug)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(present, value)| present == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }
}

/// What a pending request expects of its response. The checks run in this order: method and path, origin of the
/// request, `state`, then the implementor's own. A request without the right `state` is ignored and cannot end the wait
/// (F-CB2).
pub trait Expectation {
    type Answer;

    fn redirect_uri(&self) -> &Url;

    fn state(&self) -> &State;

    /// Reads the response, whose `state` is right.
    fn read(&self, parameters: &Parameters) -> RedirectVerdict<Self::Answer>;

    fn check(&self, redirect: &Redirect) -> RedirectVerdict<Self::Answer> {
        // The target is compared as raw bytes, so that no encoding, dot segment or doubled slash matches (F-CB11).
        let (path, query) = redirect.target.split_once('?').unwrap_or((&redirect.target, ""));
        if path != self.redirect_uri().path() {
            return RedirectVerdict::Ignored(404);
        }
        refused_as_navigation(redirect, self.redirect_uri())
            .map_or_else(|| self.check_query(query), RedirectVerdict::Ignored)
    }

    /// Checks a redirect URL that the user pasted.
    fn check_pasted(&self, pasted: &str) -> RedirectVerdict<Self::Answer> {
        match pasted.trim().split_once('?') {
            Some((base, query)) if base == self.redirect_uri().as_str() => {
                self.check_query(query.split('#').next().unwrap_or_default())
            }
            _ => RedirectVerdict::Ignored(404),
        }
    }

    fn check_query(&self, query: &str) -> RedirectVerdict<Self::Answer> {
        let Some(parameters) = decode(query) else { return RedirectVerdict::Ignored(400) };
        let mut seen = BTreeSet::new();
        // RFC 6749 section 3.1: "Request and response parameters MUST NOT be included more than once" (F-CB4).
        if !parameters.iter().all(|(name, _)| seen.insert(name.as_str())) {
            return RedirectVerdict::Ignored(400);
        }
        let parameters = Parameters(parameters);
        let state = parameters.get("state").unwrap_or_default();
        if !bool::from(state.as_bytes().ct_eq(self.state().expose().as_bytes())) {
            return RedirectVerdict::Ignored(400);
        }
        // The `state` is right: this is the response.
        self.read(&parameters)
    }
}

/// The status for a request that is not a browser's own navigation to a URL on this machine.
pub fn refused_as_navigation(redirect: &Redirect, url: &Url) -> Option<u16> {
    if redirect.method != "GET" {
        return Some(405);
    }
    // A DNS name that was rebound to this address arrives with another Host (F-CB5).
    if redirect.hosts.len() != 1 || !redirect.hosts[0].eq_ignore_ascii_case(&super::endpoint::authority(url))
    {
        return Some(421);
    }
    // A redirect is a top-level navigation; a request made by a page is not (F-CB6).
    let foreign_origin =
        redirect.origin.as_deref().is_some_and(|origin| origin != "null" && !origin.is_empty());
    let subresource =
        redirect.fetch_destination.as_deref().is_some_and(|destination| destination != "document");
    (foreign_origin || subresource).then_some(403)
}

/// Decodes a query strictly: a stray `%`, a raw control character or invalid UTF-8 makes it invalid.
fn decode(query: &str) -> Option<Vec<(String, String)>> {
    let part = |text: &str| {
        let bytes = text.as_bytes();
        let is_hex = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_hexdigit);
        if (0..bytes.len())
            .any(|i| !bytes[i].is_ascii_graphic() || bytes[i] == b'%' && !(is_hex(i + 1) && is_hex(i + 2)))
        {
            return None;
        }
        let spaced = text.replace('+', " ");
        let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8().ok()?.into_owned();
        (!decoded.contains(['\0', '\r', '\n'])).then_some(decoded)
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((part(name)?, part(value)?))
        })
        .collect()
}
