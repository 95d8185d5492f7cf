//! The one gate that every URL passes before it is requested, opened or shown.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use super::address::is_public;
use crate::ports::{HttpRequest, Method, Reach, Transport};
use crate::text::untrusted::{Untrusted, escaped};

/// URLs longer than this are no endpoints; some openers cut longer ones.
const LONGEST: usize = 8192;

/// Why a URL was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlRefused {
    /// It is no URL, or has no host.
    #[error("{0} is not an absolute URL with a host")]
    NotAUrl(Untrusted),
    /// It is more than a host.
    #[error("{0} is more than a host and a port")]
    NotAHost(Untrusted),
    /// Its scheme is not `https`.
    #[error(
        "{0} is not an https URL; http is taken for 127.0.0.1, [::1] and localhost, and only from the configuration"
    )]
    NotHttps(Untrusted),
    /// It has a user name or password.
    #[error("{0} has a user name or password in it, or is no URL")]
    Userinfo(Untrusted),
    /// It has a character that a URL does not have, or that a shell would act on.
    #[error("{0} has a character that does not belong in a URL")]
    Characters(Untrusted),
    /// It has a fragment (RFC 6749 section 3.1: "MUST NOT include a fragment component").
    #[error("{0} has a fragment")]
    Fragment(Untrusted),
    /// A server named an address of a private network (F-SSRF).
    #[error("{0} is not a public address, and only the configuration may name others")]
    NotPublic(Untrusted),
}

impl UrlRefused {
    /// Whether the text has something in it that must not be shown.
    pub fn is_secret(&self) -> bool {
        matches!(self, Self::Userinfo(_))
    }
}

/// An endpoint's URL that passed the gate: `https`, or `http` on a literal loopback address that the configuration
/// names; no user name, no fragment, no character that a shell or terminal would act on.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointUrl {
    url: Url,
    reach: Reach,
}

impl EndpointUrl {
    /// Takes a URL that the configuration names.
    pub fn configured(text: &str) -> Result<Self, UrlRefused> {
        let url = parse(text)?;
        if url.scheme() == "https" || url.scheme() == "http" && is_literal_loopback(&url, text) {
            Ok(Self { url, reach: Reach::Configured })
        } else {
            Err(UrlRefused::NotHttps(Untrusted::new(text)))
        }
    }

    /// Takes a URL that a server named. On the host of the configured issuer it counts as configured; elsewhere it must
    /// be `https` and public.
    pub fn discovered(text: &str, issuer: &Issuer) -> Result<Self, UrlRefused> {
        Self::discovered_beside(text, &issuer.url, issuer.reach)
    }

    /// The same for a URL that the server at another URL named: on that one's host it is reached as that one is.
    pub fn discovered_beside(text: &str, beside: &Url, reach: Reach) -> Result<Self, UrlRefused> {
        let url = parse(text)?;
        if url.host() == beside.host() && (url.scheme() == "https" || url.scheme() == beside.scheme()) {
            return Ok(Self { reach, ..Self::configured(text)? });
        }
        if url.scheme() != "https" {
            return Err(UrlRefused::NotHttps(Untrusted::new(text)));
        }
        let public = match url.host() {
            Some(Host::Ipv4(address)) => is_public(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => is_public(IpAddr::V6(address)),
            Some(Host::Domain(name)) => !is_local_name(name),
            None => false,
        };
        if public {
            Ok(Self { url, reach: Reach::Discovered })
        } else {
            Err(UrlRefused::NotPublic(Untrusted::new(text)))
        }
    }

    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Scheme, host and port: what a secret is bound to.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The host, with the port where it is not the scheme's own.
    pub fn authority(&self) -> String {
        authority(&self.url)
    }

    /// Whether a server named it, and not the configuration.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// A request to it, so far without headers and body.
    pub fn request(&self, method: Method, transport: &Transport) -> HttpRequest {
        HttpRequest {
            method,
            url: self.url.clone(),
            reach: self.reach,
            headers: Vec::new(),
            body: None,
            transport: transport.clone(),
        }
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&escaped(self.url.as_str()))
    }
}

impl fmt::Debug for EndpointUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "EndpointUrl({self}, {:?})", self.reach)
    }
}

/// The host of a URL, with the port where it is not the scheme's own.
pub fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The URL of a host by itself, with a port if need be: nothing before it and nothing behind.
///
/// # Errors
/// [`UrlRefused`]; [`UrlRefused::NotAHost`] for what has more to it.
pub fn host_url(scheme: &str, host: &str) -> Result<Url, UrlRefused> {
    let url = EndpointUrl::configured(&format!("{scheme}://{host}/"))?.url;
    let more = url.path() != "/" || url.query().is_some() || host.contains(['/', '?', '#']);
    if more { Err(UrlRefused::NotAHost(Untrusted::new(host))) } else { Ok(url) }
}

/// An issuer identifier (RFC 8414 section 2): an `https` URL without query and fragment, compared as text.
#[derive(Clone, PartialEq, Eq)]
pub struct Issuer {
    text: String,
    url: Url,
    reach: Reach,
}

impl Issuer {
    /// Takes an issuer that the configuration names.
    ///
    /// # Errors
    /// [`UrlRefused`]; also for one with a query (RFC 8414 section 2).
    pub fn configured(text: &str) -> Result<Self, UrlRefused> {
        Self::of(text, EndpointUrl::configured(text)?)
    }

    /// Takes an issuer that a protected resource named (RFC 9728 section 2): on the resource's own host it counts as
    /// configured, elsewhere it must be public (F-SSRF).
    pub fn discovered(text: &str, resource: &Url) -> Result<Self, UrlRefused> {
        Self::of(text, EndpointUrl::discovered_beside(text, resource, Reach::Configured)?)
    }

    fn of(text: &str, endpoint: EndpointUrl) -> Result<Self, UrlRefused> {
        if endpoint.url.query().is_some() {
            return Err(UrlRefused::Characters(Untrusted::new(text)));
        }
        Ok(Self { text: text.to_owned(), url: endpoint.url, reach: endpoint.reach })
    }

    /// Whether a server named it, and not the configuration.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// The identifier as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn url(&self) -> &Url {
        &self.url
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&escaped(&self.text))
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Issuer({self})")
    }
}

fn parse(text: &str) -> Result<Url, UrlRefused> {
    let url = parse_strictly(text);
    match (&url, text.rsplit_once('@')) {
        // What stands before an `@` may be a password, wherever a slip has put it: no error quotes it.
        (Err(_), Some((_, rest))) => Err(UrlRefused::Userinfo(Untrusted::new(format!("…@{rest}")))),
        _ => url,
    }
}

fn parse_strictly(text: &str) -> Result<Url, UrlRefused> {
    if text.len() > LONGEST
        || text.chars().any(does_not_belong)
        || text.contains("$(")
        || has_loose_percent(text)
    {
        return Err(UrlRefused::Characters(Untrusted::new(text)));
    }
    let url = Url::parse(text).map_err(|_| UrlRefused::NotAUrl(Untrusted::new(text)))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(UrlRefused::NotHttps(Untrusted::new(text)));
    }
    // A parser that repairs (`https:/x`, `https:x`) would let the text name another host than it seems to.
    let written = text.get(url.scheme().len()..).is_some_and(|rest| rest.starts_with("://"));
    if !written || raw_authority(text).is_empty() || url.host_str().is_none_or(str::is_empty) {
        return Err(UrlRefused::NotAUrl(Untrusted::new(text)));
    }
    if !url.username().is_empty() || url.password().is_some() || raw_authority(text).contains('@') {
        return Err(UrlRefused::Userinfo(Untrusted::new(text)));
    }
    if url.fragment().is_some() {
        return Err(UrlRefused::Fragment(Untrusted::new(text)));
    }
    Ok(url)
}

/// Characters outside RFC 3986, and those of it that a shell, a desktop file or a command line acts on.
fn does_not_belong(character: char) -> bool {
    !character.is_ascii_graphic()
        || matches!(character, '"' | '\'' | '`' | '<' | '>' | '\\' | '^' | '{' | '|' | '}')
}

/// Whether a `%` is not followed by two hexadecimal digits: `%PATH%` is expanded by Windows' command line.
fn has_loose_percent(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_hex = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_hexdigit);
    (0..bytes.len()).any(|index| bytes[index] == b'%' && !(is_hex(index + 1) && is_hex(index + 2)))
}

fn raw_authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())]
}

/// Whether the host is `localhost`, 127.0.0.1 or `[::1]` as the text itself says: `127.1`, `0x7f000001` and
/// `[::ffff:127.0.0.1]` do not count (F-URL5).
fn is_literal_loopback(url: &Url, text: &str) -> bool {
    let authority = raw_authority(text).to_ascii_lowercase();
    let host = match url.host() {
        Some(Host::Ipv4(address)) if address.is_loopback() => address.to_string(),
        Some(Host::Ipv6(address)) if address.is_loopback() => format!("[{address}]"),
        Some(Host::Domain("localhost")) => "localhost".to_owned(),
        _ => return false,
    };
    authority.strip_prefix(&host).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests;
