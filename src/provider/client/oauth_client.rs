//! A provider's OAuth client: its server, its identity, and what it requests.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use jsonwebtoken::Algorithm;

use super::client_settings::ClientSettings;
use super::discovered::Discovered;
use crate::binding::Binding;
use crate::name::ScopeSet;
use crate::oauth::endpoint::{EndpointUrl, Issuer};
use crate::oauth::quirks::Quirks;
use crate::ports::{ClientIdentity, Transport};
use crate::provider::error::ProviderError;
use crate::provider::request::TokenRequest;
use crate::schema::SecretSource;
use crate::store::record::TokenKey;

#[derive(Debug)]
pub struct OAuthClient {
    pub(super) issuer: Issuer,
    /// The issuer is set in the configuration or a template, so it must match exactly.
    pub(super) issuer_written: bool,
    /// The issuer is set in the configuration: the server's metadata is fetched even for facts that a template knows.
    pub(super) discovers: bool,
    pub(super) endpoints: BTreeMap<&'static str, EndpointUrl>,
    pub(super) client: ClientSettings,
    /// The grant, if it needs no login. Its tokens are separate from those of a login.
    pub(super) userless_grant: Option<String>,
    /// Other settings that change the tokens of such a grant.
    pub(super) variant: Binding,
    /// The grant also works without a client, such as an exchange at a security token service.
    pub(super) client_optional: bool,
    /// The private key authenticates the client. A grant that signs its own assertions with the key may not use it for
    /// that.
    pub(super) uses_key_to_authenticate: bool,
    pub(super) scopes: ScopeSet,
    pub(super) scopes_by_capability: BTreeMap<String, ScopeSet>,
    pub(super) audience: Vec<String>,
    pub(super) resource: Vec<String>,
    pub(super) token_params: BTreeMap<String, SecretSource>,
    pub(super) use_openid: Option<bool>,
    /// Bind tokens to a key (RFC 9449).
    pub use_dpop: bool,
    pub(super) algorithm: Option<Algorithm>,
    pub(super) cannot: Vec<String>,
    /// How long before it expires a token is refreshed.
    pub refresh_early: Duration,
    pub quirks: Quirks,
    pub transport: Transport,
    pub(super) registration: Option<String>,
    pub(super) defined_by_environment: bool,
    /// The result of discovery in this process, once every needed endpoint is known.
    pub(super) discovered: RefCell<Option<Discovered>>,
    pub(super) known_identity: OnceCell<ClientIdentity>,
}

impl OAuthClient {
    /// The configured part of the binding. The record pins an endpoint that is left to discovery.
    pub fn binding(&self) -> Binding {
        let mut binding = Binding::default().with(Binding::ISSUER, self.issuer.as_str());
        if let Some(endpoint) = self.endpoints.get("token_endpoint") {
            binding = binding.with(Binding::TOKEN_ENDPOINT, endpoint.origin());
        }
        if let Some(endpoint) = self.endpoints.get("refresh_endpoint") {
            binding = binding.with("refresh endpoint", endpoint.origin());
        }
        if self.defined_by_environment {
            binding = binding.with(Binding::DEFINED_BY, "the environment");
        }
        if let Some(grant) = &self.userless_grant {
            binding = binding.with(Binding::GRANT, grant);
        }
        match &self.client.id {
            Some(id) => binding.with(Binding::CLIENT_ID, id),
            None => binding,
        }
    }

    /// The configured or derived issuer.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The configured scopes of all capabilities.
    pub fn scopes(&self) -> &ScopeSet {
        &self.scopes
    }

    /// Adapts the client for a grant without a login. `variant` contains the grant's own settings that change its
    /// tokens: tokens of another variant are not handed out.
    pub fn without_user(self, grant: &str, variant: Binding) -> Self {
        let described = |(name, source): (&String, &SecretSource)| (name.clone(), source.fingerprint());
        let scopes = self.scopes.to_string();
        let mut variant = if scopes.is_empty() { variant } else { variant.with("scopes", scopes) };
        for (name, value) in self.token_params.iter().map(described) {
            variant = variant.with(&format!("token_params.{name}"), value);
        }
        Self { userless_grant: Some(grant.to_owned()), variant, ..self }
    }

    /// Adapts the client for a grant that also works without a client.
    pub fn with_optional_client(self) -> Self {
        Self { client_optional: true, ..self }
    }

    /// Adapts the client for a grant whose assertions the private key signs: the key authenticates the client only if
    /// the configuration says so.
    pub fn with_key_for_the_grant(self) -> Self {
        Self { uses_key_to_authenticate: false, ..self }
    }

    /// The scopes of a capability. The error lists the capabilities that exist.
    pub fn capability(&self, name: &str) -> Result<ScopeSet, ProviderError> {
        self.scopes_by_capability.get(name).cloned().ok_or_else(|| {
            let names: Vec<&str> = self.scopes_by_capability.keys().map(String::as_str).collect();
            let hint = if names.is_empty() {
                "set `scopes` to a table: scopes = { read = \"a b\", admin = \"c\" }".to_owned()
            } else {
                format!("use one of its capabilities: {}", names.join(", "))
            };
            ProviderError::Unconfigured {
                message: format!("the capability `{}` does not exist", crate::text::untrusted::escaped(name)),
                hint: Some(hint),
            }
        })
    }

    /// The key of an access token: every parameter that changes what it can be used for (F-LEAK9).
    pub fn token_key(&self, request: &TokenRequest) -> TokenKey {
        let scopes: Vec<String> = request.scopes.iter().flat_map(ScopeSet::iter).map(str::to_owned).collect();
        let variant = (self.variant != Binding::default()).then(|| self.variant.fingerprint());
        TokenKey::default()
            .with("variant", variant.as_slice())
            .with("scope", &scopes)
            .with("audience", self.audience(request))
            .with("resource", self.resource(request))
    }

    /// The request's audience, or the configured one.
    pub fn audience<'a>(&'a self, request: &'a TokenRequest) -> &'a [String] {
        if request.audience.is_empty() { &self.audience } else { &request.audience }
    }

    /// The request's resources, or the configured ones.
    pub fn resource<'a>(&'a self, request: &'a TokenRequest) -> &'a [String] {
        if request.resource.is_empty() { &self.resource } else { &request.resource }
    }

    /// Whether these scopes use OpenID Connect.
    pub fn uses_openid(&self, scopes: &ScopeSet) -> bool {
        self.use_openid.unwrap_or_else(|| scopes.contains("openid")) && self.can("id_token")
    }

    /// Whether the client secret signs ID tokens, so that no key set is needed.
    pub fn signs_symmetrically(&self) -> bool {
        matches!(self.algorithm, Some(Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512))
    }

    /// Whether the configuration allows this capability of the server.
    pub fn can(&self, capability: &str) -> bool {
        !self.cannot.iter().any(|cannot| cannot == capability)
    }

    /// The scopes as one parameter, with the server's separator.
    pub fn scope_text(&self, scopes: &ScopeSet) -> String {
        scopes.to_string().replace(' ', &self.quirks.scope_separator)
    }

    /// The client ID. The error says where to register an app.
    pub fn client_id(&self) -> Result<&str, ProviderError> {
        if let (None, true) = (&self.client.id, self.client_optional) {
            return Ok("");
        }
        self.client.id.as_deref().ok_or_else(|| ProviderError::Unconfigured {
            message: "`client_id` is not set".to_owned(),
            hint: Some(match &self.registration {
                Some(place) => format!("register an app at {place} and set `client_id`"),
                None => "register an app with the provider and set `client_id`".to_owned(),
            }),
        })
    }
}
