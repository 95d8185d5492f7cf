//! The browser's return to the redirect URI: what is an answer to the request that is under way, and what is not.

use std::collections::BTreeSet;

use subtle::ConstantTimeEq as _;
use url::Url;

use crate::secret::State;
use crate::text::untrusted::Untrusted;

/// A browser's request to the redirect URI, as far as it matters.
#[derive(Debug, Clone, Default)]
pub struct Redirect {
    pub method: String,
    /// The request target, as it came.
    pub target: String,
    /// Every `Host` header.
    pub hosts: Vec<String>,
    /// The `Origin` header.
    pub origin: Option<String>,
    /// The `Sec-Fetch-Dest` header.
    pub fetch_destination: Option<String>,
}

/// What a redirect turned out to be.
#[derive(Debug)]
pub enum RedirectVerdict<T> {
    /// Not an answer to the request: it is sent this status and the wait goes on.
    Ignored(u16),
    /// The answer, and it says no. The wait is over.
    Refused(AuthorizationError),
    /// The answer. The wait is over.
    Answer(T),
}

/// The server's refusal, or an answer that fits the request but must not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizationError {
    /// RFC 6749 section 4.1.2.1.
    #[error("the authorization server answered {error}{}", description.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    Server {
        /// The error code.
        error: Untrusted,
        description: Option<Untrusted>,
        /// Whether it says that the user (or the server for them) said no.
        denied: bool,
    },
    /// RFC 9207 section 2.4: "clients MUST reject authorization responses without the `iss` parameter".
    #[error(
        "the authorization server says that it names itself in its answer (`iss`), and the answer does not"
    )]
    IssuerMissing,
    /// RFC 9207 section 2.4: the answer comes from another server than the one that was asked.
    #[error(
        "the answer is not from the authorization server that was asked: its `iss` is {found}, not {expected}"
    )]
    IssuerMismatch {
        /// The issuer of the server that was asked.
        expected: String,
        /// What the answer says.
        found: Untrusted,
    },
    /// Neither `code` nor `error`.
    #[error("the authorization server answered with neither a code nor an error")]
    Empty,
}

/// The parameters of a redirect, none twice. An empty one is none.
#[derive(Debug)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// A parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(present, value)| present == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }
}

/// What a request under way expects of its answer. Checked in the order: method and path, where it comes from, `state`;
/// then what is its own. What does not carry the right `state` is nobody's answer and cannot end the wait (F-CB2).
pub trait Expectation {
    /// What the answer brings.
    type Answer;

    /// The redirect URI, as it was sent.
    fn redirect_uri(&self) -> &Url;

    /// The one-time `state`.
    fn state(&self) -> &State;

    /// Reads what carries the right `state`.
    fn read(&self, parameters: &Parameters) -> RedirectVerdict<Self::Answer>;

    /// Checks a browser's request.
    fn check(&self, redirect: &Redirect) -> RedirectVerdict<Self::Answer> {
        // The target is compared as raw bytes, so that no encoding, dot segment or doubled slash leads here (F-CB11).
        let (path, query) = redirect.target.split_once('?').unwrap_or((&redirect.target, ""));
        if path != self.redirect_uri().path() {
            return RedirectVerdict::Ignored(404);
        }
        refused_as_navigation(redirect, self.redirect_uri())
            .map_or_else(|| self.check_query(query), RedirectVerdict::Ignored)
    }

    /// Checks a redirect that the user pasted: the whole URL.
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
        // From here on it is the answer.
        self.read(&parameters)
    }
}

/// The status that refuses a request which is not a browser's own navigation to a URL on this machine.
pub fn refused_as_navigation(redirect: &Redirect, url: &Url) -> Option<u16> {
    if redirect.method != "GET" {
        return Some(405);
    }
    // A name that was rebound to this address has another Host (F-CB5).
    if redirect.hosts.len() != 1 || !redirect.hosts[0].eq_ignore_ascii_case(&super::endpoint::authority(url))
    {
        return Some(421);
    }
    // A redirect is a top-level navigation; a page's own request is not (F-CB6).
    let foreign_origin =
        redirect.origin.as_deref().is_some_and(|origin| origin != "null" && !origin.is_empty());
    let subresource =
        redirect.fetch_destination.as_deref().is_some_and(|destination| destination != "document");
    (foreign_origin || subresource).then_some(403)
}

/// Decodes a query strictly: a loose `%`, a raw control character or text that is not UTF-8 makes it no query.
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
