//! A server's endpoints and flags: the configured ones take precedence over the published ones.

use super::discovered::Discovered;
use super::oauth_client::OAuthClient;
use crate::binding::Binding;
use crate::discovery::{self, DiscoveryError, Query};
use crate::oauth::endpoint::EndpointUrl;
use crate::oauth::metadata::Metadata;
use crate::provider::context::Context;
use crate::provider::error::ProviderError;
use jsonwebtoken::Algorithm;

pub struct Server<'a> {
    pub(crate) oauth: &'a OAuthClient,
    pub(crate) discovered: Discovered,
}

impl OAuthClient {
    /// The server, with discovery if a needed endpoint is not configured or the issuer is. A failed discovery is an
    /// error only if something needed is missing then.
    pub fn server(&self, context: &Context<'_>, needed: &[&str]) -> Result<Server<'_>, ProviderError> {
        // The provider exists as long as the process, so fresh metadata must not come from an earlier discovery.
        let known = self.discovered.borrow().clone();
        let known = known.filter(|known| known.fresh || !context.refresh_metadata);
        let is_known = !self.discovers || known.is_some();
        let mut server = Server { oauth: self, discovered: known.unwrap_or_default() };
        let missing = |server: &Server<'_>| needed.iter().copied().find(|name| !server.has(name));
        if is_known && missing(&server).is_none() {
            return Ok(server);
        }
        let query = Query {
            issuer: &self.issuer,
            derived: !self.issuer_written,
            tenant: self.quirks.tenant_issuer,
            transport: &self.transport,
            fresh: context.refresh_metadata,
        };
        let failure = match discovery::metadata(context.system, &query) {
            Ok(metadata) => {
                server.discovered.metadata = Some(metadata);
                None
            }
            Err(error) => {
                let earlier = discovery::last_known(context.system, &query);
                // Many servers publish no metadata and answer with a status such as 404.
                let none = matches!(error, DiscoveryError::NotPublished { status, .. } if status < 500 && status != 429);
                let failure = (earlier.is_none() && !none).then(|| crate::text::causes::with_causes(&error));
                server.discovered = Discovered { earlier, failure, ..Discovered::default() };
                Some(error)
            }
        };
        match (missing(&server), failure) {
            // A document for another issuer is never ignored (RFC 8414 section 3.3).
            (_, Some(error)) if error.is_issuer_mismatch() => Err(error.into()),
            (None, _) => {
                server.discovered.fresh = context.refresh_metadata;
                self.discovered.replace(Some(server.discovered.clone()));
                Ok(server)
            }
            (Some(_), Some(error)) => Err(error.into()),
            (Some(name), None) => Err(ProviderError::Unconfigured {
                message: format!("the server's metadata has no `{name}`"),
                hint: Some(format!("set `{name}` in the configuration")),
            }),
        }
    }
}

impl Server<'_> {
    pub fn has(&self, name: &str) -> bool {
        self.oauth.endpoints.contains_key(name) || self.published(name).is_some()
    }

    /// The metadata's URL for an endpoint. A client with a certificate uses the endpoint for such clients, if there is
    /// one: "the client MUST use the alias" (RFC 8705 section 5).
    fn published(&self, name: &str) -> Option<&str> {
        let metadata = self.discovered.metadata.as_ref()?;
        let alias = || metadata.mtls_alias(name).filter(|_| self.oauth.client.shows_certificate());
        alias().or_else(|| metadata.text(name)).filter(|url| !url.is_empty())
    }

    /// The configured endpoint, or the discovered one if authctl accepts its URL.
    pub fn endpoint(&self, name: &str) -> Result<EndpointUrl, ProviderError> {
        if let Some(url) = self.oauth.endpoints.get(name) {
            return Ok(url.clone());
        }
        match self.published(name) {
            Some(url) => Ok(EndpointUrl::discovered(url, &self.oauth.issuer)?),
            None => Err(ProviderError::Unconfigured {
                message: format!("the server's `{name}` is not known"),
                hint: Some(format!("set `{name}` in the configuration")),
            }),
        }
    }

    /// An endpoint that receives a secret of the token endpoint at `origin`. Metadata alone must not redirect such a
    /// secret: a discovered endpoint must be at that origin, or its document must name the token endpoint there. The
    /// metadata of a derived issuer says nothing about a configured token endpoint (RFC 6749 section 10.4). `None` for
    /// an untrusted endpoint.
    pub fn endpoint_beside(&self, name: &str, origin: &str) -> Result<Option<EndpointUrl>, ProviderError> {
        let endpoint = self.endpoint(name)?;
        let document = self.published("token_endpoint");
        let document = document.and_then(|url| EndpointUrl::discovered(url, &self.oauth.issuer).ok());
        let vouched = self.oauth.issuer_written || !self.oauth.endpoints.contains_key("token_endpoint");
        let trusted = self.oauth.endpoints.contains_key(name)
            || endpoint.origin() == origin
            || vouched && document.is_some_and(|document| document.origin() == origin);
        Ok(trusted.then_some(endpoint))
    }

    /// The current metadata, or else the cached.
    fn known(&self) -> Option<&Metadata> {
        self.discovered.metadata.as_ref().or(self.discovered.earlier.as_ref())
    }

    /// Why the server's metadata could not be fetched, if no cached metadata contains its requirements.
    pub fn discovery_failure(&self) -> Option<&str> {
        self.discovered.failure.as_deref()
    }

    /// The issuer, exactly as the metadata writes it.
    pub fn issuer(&self) -> String {
        let written = self.known().and_then(Metadata::issuer);
        written.unwrap_or(self.oauth.issuer.as_str()).to_owned()
    }

    /// The issuer to compare redirects with, from validated metadata or the configuration (RFC 9207 section 2.4).
    pub fn issuer_to_expect(&self) -> Option<String> {
        (self.known().is_some() || self.oauth.issuer_written)
            .then(|| self.issuer())
            .filter(|issuer| !issuer.contains('{'))
    }

    /// Whether the server's current or cached metadata announces `iss` in redirects.
    pub fn sends_issuer(&self) -> bool {
        self.says("authorization_response_iss_parameter_supported")
    }

    /// Whether a flag in the metadata is set.
    pub fn says(&self, member: &str) -> bool {
        self.known().is_some_and(|metadata| metadata.flag(member))
    }

    /// A list of strings in the metadata.
    pub fn strings(&self, member: &str) -> Option<Vec<String>> {
        self.discovered.metadata.as_ref()?.strings(member)
    }

    /// The algorithms of ID tokens: the configured one, or RS256 (OpenID Connect Core section 2), or the server's
    /// asymmetric ones if it announces that it does not support RS256.
    pub(crate) fn id_token_algorithms(&self) -> Vec<Algorithm> {
        if let Some(algorithm) = self.oauth.algorithm {
            return vec![algorithm];
        }
        let offered = self
            .discovered
            .metadata
            .as_ref()
            .and_then(|metadata| metadata.strings("id_token_signing_alg_values_supported"));
        match offered {
            Some(names) if !names.iter().any(|name| name == "RS256") => {
                let asymmetric = names.iter().filter(|name| !name.starts_with("HS"));
                asymmetric.filter_map(|name| name.parse().ok()).collect()
            }
            _ => vec![Algorithm::RS256],
        }
    }

    /// The complete binding for tokens from this server to the configured client.
    pub fn binding(&self) -> Result<Binding, ProviderError> {
        let endpoint = self.endpoint("token_endpoint")?;
        let binding = self.oauth.binding().with(Binding::TOKEN_ENDPOINT, endpoint.origin());
        Ok(binding.with(Binding::CLIENT_ID, self.oauth.client_id()?))
    }
}
