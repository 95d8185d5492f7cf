//! The redirect URI that is configured for a provider.

/// The configured redirect URI: `http`, a loopback host, an optional port and a path. Without a port, any free one is
/// used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) path: String,
}

impl RedirectUri {
    /// The port, if one is configured.
    pub fn fixed_port(&self) -> Option<u16> {
        (self.port != 0).then_some(self.port)
    }
}

impl std::fmt::Display for RedirectUri {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.fixed_port() {
            Some(port) => write!(formatter, "http://{}:{port}{}", self.host, self.path),
            None => write!(formatter, "http://{}{}", self.host, self.path),
        }
    }
}

impl Default for RedirectUri {
    /// `http://127.0.0.1:{any free port}/callback`: "clients SHOULD … use the loopback IP literal" (RFC 8252 section
    /// 8.3).
    fn default() -> Self {
        Self { host: "127.0.0.1".to_owned(), port: 0, path: "/callback".to_owned() }
    }
}

/// A redirect URI that authctl cannot listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an http URL on 127.0.0.1, [::1] or localhost, with an optional port and without a query")]
pub struct InvalidRedirectUri;

impl std::str::FromStr for RedirectUri {
    type Err = InvalidRedirectUri;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = crate::oauth::endpoint::EndpointUrl::configured(text).map_err(|_| InvalidRedirectUri)?;
        let url = url.url();
        let host = url.host_str().unwrap_or_default();
        if url.scheme() != "http"
            || !matches!(host, "127.0.0.1" | "[::1]" | "localhost")
            || url.query().is_some()
        {
            return Err(InvalidRedirectUri);
        }
        // The URL parser drops the scheme's default port, but a port 80 in the configuration must be kept.
        let written = |port: &str| text.contains(&format!("{port}/")) || text.ends_with(port);
        let port = url.port().unwrap_or_else(|| if written(":80") { 80 } else { 0 });
        Ok(Self { host: host.to_owned(), port, path: url.path().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris() {
        for (text, want) in [
            ("http://127.0.0.1/callback", Some(("127.0.0.1", 0, "/callback"))),
            ("http://localhost:8400/", Some(("localhost", 8400, "/"))),
            ("http://localhost", Some(("localhost", 0, "/"))),
            ("http://[::1]:1/x", Some(("[::1]", 1, "/x"))),
            ("http://localhost:80/x", Some(("localhost", 80, "/x"))),
            ("https://127.0.0.1/callback", None),
            ("http://127.0.0.2/callback", None),
            ("http://0.0.0.0/callback", None),
            ("http://example.com/callback", None),
            ("http://127.0.0.1/callback?x=1", None),
            ("myapp://callback", None),
        ] {
            let uri = text.parse::<RedirectUri>().ok();
            assert_eq!(
                uri.as_ref().map(|uri| (uri.host.as_str(), uri.port, uri.path.as_str())),
                want,
                "{text}"
            );
        }
    }
}
