//! HTTP requests and responses.

use url::Url;
use zeroize::Zeroizing;

use crate::ports::transport::Transport;
use crate::secret::SecretText;

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

/// Who supplied a URL: one from a server must not lead into private networks (F-SSRF).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The configuration: any address.
    Configured,
    /// A server: only public addresses, checked when the connection is made.
    Discovered,
}

#[derive(Debug, Clone)]
pub struct HttpRequest {
    pub method: Method,
    /// A checked URL.
    pub url: Url,
    pub reach: Reach,
    pub headers: Vec<(&'static str, SecretText)>,
    /// The body with its content type.
    pub body: Option<(&'static str, SecretText)>,
    pub transport: Transport,
}

/// A response, with at most 1 MiB of body.
#[derive(Debug, Clone)]
pub struct HttpResponse {
    pub status: u16,
    /// Names are in lower case.
    pub headers: Vec<(String, String)>,
    /// It may hold tokens.
    pub body: Zeroizing<Vec<u8>>,
}

impl HttpResponse {
    /// The first header with this lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The media type without its parameters, in lower case.
    pub fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}
