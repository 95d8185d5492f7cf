//! HTTP requests and responses.

use url::Url;
use zeroize::Zeroizing;

use crate::ports::transport::Transport;
use crate::secret::SecretText;

/// The methods that authctl itself sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Delete,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// Whom a URL came from: what a server told must not lead into private networks (F-SSRF).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The configuration: any address.
    Configured,
    /// A server: public addresses only, checked on the address that is connected to.
    Discovered,
}

#[derive(Debug, Clone)]
pub struct HttpRequest {
    pub method: Method,
    /// Its URL, which passed the URL gate.
    pub url: Url,
    /// Whom the URL came from.
    pub reach: Reach,
    pub headers: Vec<(&'static str, SecretText)>,
    /// Its body with its content type.
    pub body: Option<(&'static str, SecretText)>,
    pub transport: Transport,
}

/// An answer: at most 1 MiB of body.
#[derive(Debug, Clone)]
pub struct HttpResponse {
    pub status: u16,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, which may hold tokens.
    pub body: Zeroizing<Vec<u8>>,
}

impl HttpResponse {
    /// The first header of a name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The media type without its parameters, in lower case.
    pub fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}
