//! What a diagnosis looks at of an OAuth client and its server.

use std::path::Path;

use super::discovered::Discovered;
use super::oauth_client::OAuthClient;
use super::server::Server;
use crate::discovery::Query;
use crate::oauth::endpoint::EndpointUrl;
use crate::oauth::metadata::Metadata;

impl OAuthClient {
    /// How its server's metadata is asked for anew.
    pub fn query(&self) -> Query<'_> {
        Query {
            issuer: &self.issuer,
            derived: !self.issuer_written,
            tenant: self.quirks.tenant_issuer,
            transport: &self.transport,
            fresh: true,
        }
    }

    /// The server as this metadata has it, under what is configured.
    pub fn server_as(&self, metadata: Option<Metadata>) -> Server<'_> {
        Server { oauth: self, discovered: Discovered { metadata, ..Discovered::default() } }
    }

    /// The token endpoint, where it is configured.
    pub fn configured_token_endpoint(&self) -> Option<&EndpointUrl> {
        self.endpoints.get("token_endpoint")
    }

    /// The file of the client's certificate.
    pub fn certificate_file(&self) -> Option<&Path> {
        self.client.certificate.as_deref()
    }

    /// Where its app is registered, as the template knows.
    pub fn registration(&self) -> Option<&str> {
        self.registration.as_deref()
    }
}

impl Server<'_> {
    /// What the metadata lists under a name; `None` where it says nothing.
    pub fn lists(&self, member: &str) -> Option<Vec<String>> {
        self.discovered.metadata.as_ref()?.strings(member)
    }
}
