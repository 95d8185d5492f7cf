//! Checks every URL before authctl requests, opens or shows it.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use super::address::is_public;
use crate::ports::{HttpRequest, Method, Reach, Transport};
use crate::text::untrusted::{Untrusted, escaped};

/// The longest accepted URL; some browser launchers cut off longer ones.
const LONGEST: usize = 8192;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlRefused {
    #[error("{0} is not an absolute URL with a host")]
    NotAUrl(Untrusted),
    #[error("{0} has more than a host and a port")]
    NotAHost(Untrusted),
    #[error(
        "{0} is not an https URL; http is accepted only from the configuration, for 127.0.0.1, [::1] and localhost"
    )]
    NotHttps(Untrusted),
    #[error("{0} contains a user name or password, or is not a URL")]
    Userinfo(Untrusted),
    /// It has a character that is not valid in a URL, or that a shell would interpret.
    #[error("{0} contains a character that is not valid in a URL")]
    Characters(Untrusted),
    /// It has a fragment (RFC 6749 section 3.1: "MUST NOT include a fragment component").
    #[error("{0} has a fragment")]
    Fragment(Untrusted),
    /// A server supplied an address of a private network (F-SSRF).
    #[error("{0} is not a public address, and authctl accepts other addresses only from the configuration")]
    NotPublic(Untrusted),
}

impl UrlRefused {
    /// Whether the text contains something that must not be shown.
    pub fn is_secret(&self) -> bool {
        matches!(self, Self::Userinfo(_))
    }
}

/// An endpoint's URL that passed the check: `https`, or `http` on a literal loopback address from the configuration; no
/// user name, no fragment, no character that a shell or terminal would interpret.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointUrl {
    url: Url,
    reach: Reach,
}

impl EndpointUrl {
    /// Checks a URL from the configuration.
    pub fn configured(text: &str) -> Result<Self, UrlRefused> {
        let url = parse(text)?;
        if url.scheme() == "https" || url.scheme() == "http" && is_literal_loopback(&url, text) {
            Ok(Self { url, reach: Reach::Configured })
        } else {
            Err(UrlRefused::NotHttps(Untrusted::new(text)))
        }
    }

    /// Checks a URL that a server supplied. On the configured issuer's host it counts as configured; elsewhere it must
    /// be `https` and public.
    pub fn discovered(text: &str, issuer: &Issuer) -> Result<Self, UrlRefused> {
        Self::discovered_beside(text, &issuer.url, issuer.reach)
    }

    /// Checks a URL that the server at the URL `beside` supplied: on that server's host it has the same reach.
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

    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// A request to it, without headers and body so far.
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

/// The host of a URL, with the port unless it is the scheme's default.
pub fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The URL of a host with an optional port; [`UrlRefused::NotAHost`] if the text has more than that.
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
    /// Checks an issuer from the configuration. One with a query is refused (RFC 8414 section 2).
    pub fn configured(text: &str) -> Result<Self, UrlRefused> {
        Self::of(text, EndpointUrl::configured(text)?)
    }

    /// Checks an issuer that a protected resource named (RFC 9728 section 2): on the resource's own host it counts as
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

    /// Whether a server supplied it, rather than the configuration.
    pub fn reach(&self) -> Reach {
        self.reach
    }

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
        // The text before an `@` may be a password, even in a malformed URL: no error quotes it.
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
    // A parser that repairs the text (`https:/x`, `https:x`) would accept a different host than the one it seems to
    // name.
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

/// Characters outside RFC 3986, and those inside it that a shell, a desktop file or a command line interprets.
fn does_not_belong(character: char) -> bool {
    !character.is_ascii_graphic()
        || matches!(character, '"' | '\'' | '`' | '<' | '>' | '\\' | '^' | '{' | '|' | '}')
}

/// Whether a `%` is not followed by two hexadecimal digits: the Windows command line expands `%PATH%`.
fn has_loose_percent(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_hex = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_hexdigit);
    (0..bytes.len()).any(|index| bytes[index] == b'%' && !(is_hex(index + 1) && is_hex(index + 2)))
}

fn raw_authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())]
}

/// Whether the host is literally `localhost`, 127.0.0.1 or `[::1]`: `127.1`, `0x7f000001` and `[::ffff:127.0.0.1]` do
/// not count (F-URL5).
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
