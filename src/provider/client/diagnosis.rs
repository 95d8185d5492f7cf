//! The facts about an OAuth client and its server that `authctl doctor` examines.

use std::path::Path;

use super::discovered::Discovered;
use super::oauth_client::OAuthClient;
use super::server::Server;
use crate::discovery::Query;
use crate::oauth::endpoint::EndpointUrl;
use crate::oauth::metadata::Metadata;

impl OAuthClient {
    /// The query that fetches the server's metadata again.
    pub fn query(&self) -> Query<'_> {
        Query {
            issuer: &self.issuer,
            derived: !self.issuer_written,
            tenant: self.quirks.tenant_issuer,
            transport: &self.transport,
            fresh: true,
        }
    }

    /// The server with this metadata, below the configured endpoints.
    pub fn server_as(&self, metadata: Option<Metadata>) -> Server<'_> {
        Server { oauth: self, discovered: Discovered { metadata, ..Discovered::default() } }
    }

    /// The token endpoint, if it is configured.
    pub fn configured_token_endpoint(&self) -> Option<&EndpointUrl> {
        self.endpoints.get("token_endpoint")
    }

    /// The file of the client's certificate.
    pub fn certificate_file(&self) -> Option<&Path> {
        self.client.certificate.as_deref()
    }

    /// Where to register the app, from the template.
    pub fn registration(&self) -> Option<&str> {
        self.registration.as_deref()
    }
}

impl Server<'_> {
    /// The metadata's list of this name; `None` if it has none.
    pub fn lists(&self, member: &str) -> Option<Vec<String>> {
        self.discovered.metadata.as_ref()?.strings(member)
    }
}
