//! What all OAuth grants share: the client, the endpoints and where they come from, the token requests, the id token.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::time::Duration;

use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use super::{Context, Grant, Place, ProviderError, Revocation, TokenRequest};
use crate::binding::Binding;
use crate::console::with_causes;
use crate::discovery::{self, DiscoveryError, Query};
use crate::name::ScopeSet;
use crate::oauth::client::{AuthenticationMethod, Client};
use crate::oauth::endpoint::{EndpointUrl, Issuer};
use crate::oauth::form::Form;
use crate::oauth::id_token::{self, Claims, Expected, IdTokenError};
use crate::oauth::metadata::{ENDPOINTS, Metadata};
use crate::oauth::quirks::{self, Quirks};
use crate::oauth::token_endpoint::TokenEndpoint;
use crate::oauth::{revocation, userinfo};
use crate::ports::Transport;
use crate::secret::{AccessToken, ClientSecret, Nonce};
use crate::setting::{Key, Layer, Problem, SecretSource, Section, Setting, Shape, Value as SettingValue};
use crate::store::record::{Record, TokenKey};
use crate::token::TokenSet;

/// The algorithms that an id token may be signed with (RFC 7518 section 3.1).
const ALGORITHMS: &[&str] = &[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "HS256", "HS384",
    "HS512",
];
/// What a server may say that it can do, and cannot.
const CAPABILITIES: &[&str] = &["refresh", "revoke", "userinfo", "id_token"];

/// The keys that every grant has.
pub const KEYS: &[&Key] = &[
    &Key::new("grant_type", Shape::Text, "How tokens are got").or("authorization_code"),
    &Key::new(
        "issuer",
        Shape::Text,
        "The issuer identifier, from which the endpoints are discovered; by default {scheme}://{domain}",
    ),
    &Key::new("client_id", Shape::Text, "The client identifier that the app was registered with")
        .from_environment(),
    &Key::new("client_secret", Shape::Secret, "The client secret, where the app has one").from_environment(),
    &Key::new(
        "token_endpoint_auth_method",
        Shape::Choice(AuthenticationMethod::NAMES),
        "How the client authenticates; by default what the server offers and the secrets allow",
    ),
    &Key::new("scopes", Shape::Scopes, "The scopes to ask for; as a table, capabilities and their scopes")
        .from_environment(),
    &Key::new("audience", Shape::Strings, "The audience of the tokens").from_environment(),
    &Key::new("resource", Shape::Strings, "The resources that the tokens are for (RFC 8707)")
        .from_environment(),
    &Key::new("token_params", Shape::Free, "Further parameters of token requests"),
    &Key::new(
        "use_openid",
        Shape::Boolean,
        "Whether OpenID Connect is used; by default when the scopes have `openid`",
    ),
    &Key::new(
        "id_token_signed_response_alg",
        Shape::Choice(ALGORITHMS),
        "The algorithm that id tokens are signed with",
    )
    .or("RS256"),
    &Key::new("capabilities", Shape::Flags(CAPABILITIES), "What this server cannot do although it says so"),
    &Key::new(
        "refresh_early",
        Shape::Duration,
        "How long before its end a token is renewed, but never more than half its life",
    )
    .or("60s"),
    &Key::new(
        "quirks",
        Shape::Quirks(quirks::KEYS),
        "What this server does otherwise than the standards say",
    ),
    &Key::new("ca_file", Shape::Text, "Certificate authorities to trust beside the platform's, in PEM")
        .trusted(),
    &Key::new("proxy", Shape::Text, "The proxy, in the place of the environment's").trusted(),
    &Key::new("timeout", Shape::Duration, "The limit of one request").or("30s").trusted(),
    &Key::new("authorization_endpoint", Shape::Text, "The URL of the authorization endpoint"),
    &Key::new("token_endpoint", Shape::Text, "The URL of the token endpoint"),
    &Key::new("refresh_endpoint", Shape::Text, "The URL for refreshes, for servers that refresh elsewhere"),
    &Key::new("device_authorization_endpoint", Shape::Text, "The URL of the device authorization endpoint"),
    &Key::new("userinfo_endpoint", Shape::Text, "The URL of the userinfo endpoint"),
    &Key::new("revocation_endpoint", Shape::Text, "The URL of the revocation endpoint"),
    &Key::new("introspection_endpoint", Shape::Text, "The URL of the introspection endpoint"),
    &Key::new(
        "pushed_authorization_request_endpoint",
        Shape::Text,
        "The URL for pushed authorization requests",
    ),
    &Key::new("end_session_endpoint", Shape::Text, "The URL of the end session endpoint"),
    &Key::new("jwks_uri", Shape::Text, "The URL of the server's key set"),
];

/// The configuration of an OAuth client.
#[derive(Debug)]
pub struct OAuth {
    issuer: Issuer,
    /// It is written, in the configuration or a template: then it is compared to the letter.
    issuer_written: bool,
    /// The configuration writes it: then the server is asked even for what a template knows.
    discovers: bool,
    endpoints: BTreeMap<&'static str, EndpointUrl>,
    client_id: Option<String>,
    client_secret: Option<SecretSource>,
    method: Option<AuthenticationMethod>,
    scopes: ScopeSet,
    scopes_by_capability: BTreeMap<String, ScopeSet>,
    audience: Vec<String>,
    resource: Vec<String>,
    token_params: BTreeMap<String, SecretSource>,
    use_openid: Option<bool>,
    algorithm: Option<Algorithm>,
    cannot: Vec<String>,
    /// How long before its end a token is renewed.
    pub refresh_early: Duration,
    /// What the server does otherwise.
    pub quirks: Quirks,
    /// How it is reached.
    pub transport: Transport,
    registration: Option<String>,
    /// What discovery brought in this run; `None` where it brought nothing and nothing was missing.
    discovered: OnceCell<Option<Metadata>>,
}

/// What an authentication request said, which its id token must agree with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Presented<'a> {
    /// The client.
    pub client_id: Option<&'a str>,
    /// The nonce.
    pub nonce: Option<&'a Nonce>,
    /// `max_age`, in seconds.
    pub max_age: Option<i64>,
}

/// A server as it is known now: the configured endpoints over the discovered.
pub struct Server<'a> {
    oauth: &'a OAuth,
    metadata: Option<Metadata>,
}

impl OAuth {
    /// Reads the keys that all grants share.
    ///
    /// # Errors
    /// Every problem that was found.
    pub fn read(section: &Section<'_>, place: &Place) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let derived = format!("{}://{}", place.scheme, place.domain);
        let issuer = Issuer::configured(section.text("issuer").unwrap_or(&derived));
        let issuer = issuer
            .map_err(|error| {
                problems.push(section.url_problem(
                    "issuer",
                    &format!("is no issuer: {error}"),
                    error.is_secret(),
                ))
            })
            .ok();
        let mut endpoints = BTreeMap::new();
        for &name in ENDPOINTS.iter().chain(&["refresh_endpoint"]) {
            let Some(text) = section.text(name) else { continue };
            match EndpointUrl::configured(text) {
                Ok(url) => drop(endpoints.insert(name, url)),
                Err(error) => problems.push(section.url_problem(
                    name,
                    &format!("is no endpoint: {error}"),
                    error.is_secret(),
                )),
            }
        }
        for resource in section.strings("resource") {
            // RFC 8707 section 2: "MUST be an absolute URI", "MUST NOT include a fragment component".
            if url::Url::parse(&resource).is_err() || resource.contains('#') {
                problems.push(
                    section.problem(
                        "resource",
                        "must be absolute URIs without a fragment (RFC 8707, section 2)",
                    ),
                );
            }
        }
        if let Some(proxy) = section.text("proxy")
            && url::Url::parse(proxy).is_err()
        {
            problems.push(section.problem("proxy", "is no URL").hiding_value());
        }
        let (scopes, scopes_by_capability) = read_scopes(section.setting("scopes"));
        let Some(issuer) = issuer.filter(|_| problems.is_empty()) else { return Err(problems) };
        Ok(Self {
            issuer,
            issuer_written: section.has("issuer"),
            discovers: section
                .setting("issuer")
                .is_some_and(|setting| setting.origin.layer() != Layer::Template),
            endpoints,
            client_id: section.text("client_id").map(str::to_owned),
            client_secret: section.secret("client_secret"),
            method: section.text("token_endpoint_auth_method").and_then(AuthenticationMethod::named),
            scopes,
            scopes_by_capability,
            audience: section.strings("audience"),
            resource: section.strings("resource"),
            token_params: section.free("token_params"),
            use_openid: section.flag("use_openid"),
            algorithm: section.text("id_token_signed_response_alg").and_then(|name| name.parse().ok()),
            cannot: section
                .flags("capabilities")
                .into_iter()
                .filter(|(_, can)| !can)
                .map(|(name, _)| name.to_owned())
                .collect(),
            refresh_early: section.duration("refresh_early").unwrap_or(Duration::from_secs(60)),
            quirks: Quirks::read(section.section("quirks").as_ref()),
            transport: Transport {
                ca_file: section.path("ca_file", place.home.as_deref()),
                proxy: section.text("proxy").map(str::to_owned),
                timeout: section.duration("timeout").unwrap_or(Transport::default().timeout),
            },
            registration: place.registration.clone(),
            discovered: OnceCell::new(),
        })
    }

    /// What the configuration binds secrets to. An endpoint that is left to discovery is pinned by the record.
    #[must_use]
    pub fn binding(&self) -> Binding {
        let mut binding = Binding::default().with(Binding::ISSUER, self.issuer.as_str());
        if let Some(endpoint) = self.endpoints.get("token_endpoint") {
            binding = binding.with(Binding::TOKEN_ENDPOINT, endpoint.origin());
        }
        if let Some(endpoint) = self.endpoints.get("refresh_endpoint") {
            binding = binding.with("refresh endpoint", endpoint.origin());
        }
        match &self.client_id {
            Some(id) => binding.with(Binding::CLIENT_ID, id),
            None => binding,
        }
    }

    /// The configured scopes: of all capabilities together.
    #[must_use]
    pub fn scopes(&self) -> &ScopeSet {
        &self.scopes
    }

    /// Whether the client has a secret.
    #[must_use]
    pub fn is_confidential(&self) -> bool {
        self.client_secret.is_some() && self.method != Some(AuthenticationMethod::None)
    }

    /// The scopes of a capability.
    ///
    /// # Errors
    /// [`ProviderError::Unconfigured`], with the capabilities that there are.
    pub fn capability(&self, name: &str) -> Result<ScopeSet, ProviderError> {
        self.scopes_by_capability.get(name).cloned().ok_or_else(|| {
            let names: Vec<&str> = self.scopes_by_capability.keys().map(String::as_str).collect();
            let hint = if names.is_empty() {
                "write scopes as a table: scopes = { read = \"a b\", admin = \"c\" }".to_owned()
            } else {
                format!("its capabilities are {}", names.join(", "))
            };
            ProviderError::Unconfigured {
                message: format!("there is no capability `{}`", crate::foreign::escaped(name)),
                hint: Some(hint),
            }
        })
    }

    /// The key of an access token: every parameter that changes what it is good for (F-LEAK9, S4).
    #[must_use]
    pub fn token_key(&self, request: &TokenRequest) -> TokenKey {
        let scopes: Vec<String> = request.scopes.iter().flat_map(ScopeSet::iter).map(str::to_owned).collect();
        TokenKey::default()
            .with("scope", &scopes)
            .with("audience", self.audience(request))
            .with("resource", self.resource(request))
    }

    /// The audience of a request, or the configured.
    #[must_use]
    pub fn audience<'a>(&'a self, request: &'a TokenRequest) -> &'a [String] {
        if request.audience.is_empty() { &self.audience } else { &request.audience }
    }

    /// The resources of a request, or the configured.
    #[must_use]
    pub fn resource<'a>(&'a self, request: &'a TokenRequest) -> &'a [String] {
        if request.resource.is_empty() { &self.resource } else { &request.resource }
    }

    /// Whether OpenID Connect is used with these scopes.
    #[must_use]
    pub fn uses_openid(&self, scopes: &ScopeSet) -> bool {
        self.use_openid.unwrap_or_else(|| scopes.contains("openid")) && self.can("id_token")
    }

    /// Whether id tokens are signed with the client's secret, so that no key set is needed.
    #[must_use]
    pub fn signs_symmetrically(&self) -> bool {
        matches!(self.algorithm, Some(Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512))
    }

    /// Whether the configuration leaves the server this ability.
    #[must_use]
    pub fn can(&self, capability: &str) -> bool {
        !self.cannot.iter().any(|cannot| cannot == capability)
    }

    /// The scopes as one parameter, with the server's separator.
    #[must_use]
    pub fn scope_text(&self, scopes: &ScopeSet) -> String {
        scopes.to_string().replace(' ', &self.quirks.scope_separator)
    }

    /// The server, with discovery where an endpoint that is needed is not configured or an issuer is written. That
    /// discovery fails matters only if something needed is missing then.
    ///
    /// # Errors
    /// [`ProviderError::Discovery`], [`ProviderError::Unconfigured`].
    pub fn server(&self, context: &Context<'_>, needed: &[&str]) -> Result<Server<'_>, ProviderError> {
        let mut server = Server { oauth: self, metadata: self.discovered.get().cloned().flatten() };
        let missing = |server: &Server<'_>| needed.iter().copied().find(|name| !server.has(name));
        let is_known = !self.discovers || self.discovered.get().is_some();
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
                server.metadata = Some(metadata);
                None
            }
            Err(error) => Some(error),
        };
        match (missing(&server), failure) {
            // A document for another issuer is no failure to pass over (M2).
            (_, Some(error)) if error.is_issuer_mismatch() => Err(error.into()),
            (None, _) => {
                let _ = self.discovered.set(server.metadata.clone());
                Ok(server)
            }
            (Some(_), Some(error)) => Err(error.into()),
            (Some(name), None) => Err(ProviderError::Unconfigured {
                message: format!("the server's metadata has no `{name}`"),
                hint: Some(format!("set {name} in the configuration")),
            }),
        }
    }

    /// The client identifier.
    ///
    /// # Errors
    /// [`ProviderError::Unconfigured`] where there is none, saying where to register an app.
    pub fn client_id(&self) -> Result<&str, ProviderError> {
        self.client_id.as_deref().ok_or_else(|| ProviderError::Unconfigured {
            message: "there is no `client_id`".to_owned(),
            hint: Some(match &self.registration {
                Some(place) => format!("register an app at {place} and set client_id"),
                None => "register an app with the provider and set client_id".to_owned(),
            }),
        })
    }

    fn client(&self, context: &Context<'_>, server: &Server<'_>, id: &str) -> Result<Client, ProviderError> {
        let offered = server
            .metadata
            .as_ref()
            .and_then(|metadata| metadata.strings("token_endpoint_auth_methods_supported"));
        let chosen = || AuthenticationMethod::chosen(self.client_secret.is_some(), offered.as_deref());
        let method = self.method.unwrap_or_else(chosen);
        let secret = match (&self.client_secret, method) {
            (_, AuthenticationMethod::None) => None,
            (Some(source), _) => {
                let binding = self.binding();
                Some(ClientSecret::new(context.secrets(&binding).resolve(source)?.expose()))
            }
            (None, _) => {
                return Err(ProviderError::Unconfigured {
                    message: "there is no `client_secret`, which the authentication method needs".to_owned(),
                    hint: Some(format!("set it with `authctl secret set {} client_secret`", context.name)),
                });
            }
        };
        Ok(Client { id: id.to_owned(), secret, method, plain_basic: self.quirks.plain_basic })
    }

    /// The token endpoint of a binding.
    ///
    /// # Errors
    /// [`ProviderError::WrongOrigin`] when the server is now elsewhere.
    pub fn token_endpoint(
        &self,
        context: &Context<'_>,
        server: &Server<'_>,
        binding: &Binding,
    ) -> Result<TokenEndpoint, ProviderError> {
        let url = server.endpoint("token_endpoint")?;
        let client = self.client(context, server, binding.get(Binding::CLIENT_ID).unwrap_or_default())?;
        Ok(TokenEndpoint::new(url, binding, client, self.quirks.clone(), self.transport.clone())?)
    }

    /// The endpoint for refreshes: the configured one of its own, or the token endpoint.
    fn refresh_endpoint(
        &self,
        context: &Context<'_>,
        server: &Server<'_>,
        binding: &Binding,
    ) -> Result<TokenEndpoint, ProviderError> {
        let Some(url) = self.endpoints.get("refresh_endpoint") else {
            return self.token_endpoint(context, server, binding);
        };
        let client = self.client(context, server, binding.get(Binding::CLIENT_ID).unwrap_or_default())?;
        let bound = binding.get("refresh endpoint").unwrap_or_default();
        let binding = binding.clone().with(Binding::TOKEN_ENDPOINT, bound);
        Ok(TokenEndpoint::new(url.clone(), &binding, client, self.quirks.clone(), self.transport.clone())?)
    }

    /// Adds the configured free parameters, which never replace one of the protocol's.
    ///
    /// # Errors
    /// [`ProviderError::Secret`].
    pub fn add_free(
        &self,
        context: &Context<'_>,
        parameters: &BTreeMap<String, SecretSource>,
        form: &mut Form,
    ) -> Result<(), ProviderError> {
        let binding = self.binding();
        for (name, source) in parameters {
            form.set(name, context.secrets(&binding).resolve(source)?.expose());
        }
        Ok(())
    }

    /// The parameters that every token request begins with.
    ///
    /// # Errors
    /// [`ProviderError::Secret`].
    pub fn token_form(&self, context: &Context<'_>, request: &TokenRequest) -> Result<Form, ProviderError> {
        let mut form = Form::default();
        self.add_free(context, &self.token_params, &mut form)?;
        self.add_resource(request, &mut form);
        Ok(form)
    }

    /// Adds `resource`, the same in every request (S2), unless the server chokes on it (S5).
    pub fn add_resource(&self, request: &TokenRequest, form: &mut Form) {
        for resource in self.resource(request).iter().filter(|_| !self.quirks.no_resource) {
            form.add("resource", resource);
        }
    }

    /// Refreshes (RFC 6749 section 6). The scope goes along only where less than the grant is wanted; the id token that
    /// may come back is checked against the record.
    ///
    /// # Errors
    /// [`ProviderError`]; nothing of the answer is used then.
    pub fn refresh(
        &self,
        context: &Context<'_>,
        record: &Record,
        request: &TokenRequest,
    ) -> Result<Grant, ProviderError> {
        let (Some(refresh_token), true) = (&record.refresh_token, self.can("refresh")) else {
            return Err(ProviderError::NotOffered("a refresh"));
        };
        let server = self.server(context, &["token_endpoint"])?;
        let endpoint = self.refresh_endpoint(context, &server, &record.binding)?;
        let mut form = self.token_form(context, request)?;
        form.set("refresh_token", refresh_token.expose());
        if let Some(scopes) = &request.scopes {
            form.set("scope", &self.scope_text(scopes));
        }
        for audience in self.audience(request) {
            form.add("audience", audience);
        }
        let response = context.system.http.send(&endpoint.request("refresh_token", form))?;
        let tokens = endpoint.response(&response, context.system.clock.now())?;
        let presented =
            Presented { client_id: record.binding.get(Binding::CLIENT_ID), ..Presented::default() };
        let claims = match self.validate_id_token(context, &server, &tokens, &presented) {
            Ok(claims) => claims,
            // OpenID Connect Core section 12.2: a token of somebody else, and nothing that came with it is used.
            Err(ProviderError::IdToken(error)) if !error.is_about_time() => return Err(error.into()),
            // The server may have ended the old refresh token: what came is kept, only the id token is not.
            Err(error) => {
                let reason = with_causes(&error);
                context
                    .system
                    .console
                    .note(format_args!("the new id token cannot be checked and is left out: {reason}"));
                None
            }
        };
        if let (Some(claims), Some(subject)) = (&claims, &record.subject)
            && claims.subject() != subject
        {
            // OpenID Connect Core section 12.2: "its sub Claim Value MUST be the same".
            return Err(IdTokenError::Disagrees("sub").into());
        }
        Ok(Grant {
            tokens,
            binding: record.binding.clone(),
            issuer: record.issuer.clone(),
            claims,
            requested_scopes: request.scopes.clone().unwrap_or_else(|| record.requested_scopes.clone()),
        })
    }

    /// Validates the id token that came with tokens, if one did: its claims.
    ///
    /// # Errors
    /// [`ProviderError::IdToken`], [`ProviderError::Discovery`].
    pub fn validate_id_token(
        &self,
        context: &Context<'_>,
        server: &Server<'_>,
        tokens: &TokenSet,
        presented: &Presented<'_>,
    ) -> Result<Option<Claims>, ProviderError> {
        let Some(token) = tokens.id_token.as_ref().filter(|_| self.can("id_token")) else { return Ok(None) };
        let algorithms = server.id_token_algorithms();
        let symmetric = !algorithms.is_empty()
            && algorithms.iter().all(|algorithm| format!("{algorithm:?}").starts_with("HS"));
        let client_secret = match &self.client_secret {
            Some(source) if symmetric => {
                let binding = self.binding();
                Some(ClientSecret::new(context.secrets(&binding).resolve(source)?.expose()))
            }
            _ => None,
        };
        let issuer = server.issuer();
        let expected = Expected {
            issuer: &issuer,
            other_issuer: self.quirks.id_token_issuer.as_deref(),
            tenant_issuer: self.quirks.tenant_issuer,
            client_id: presented.client_id.unwrap_or_default(),
            nonce: presented.nonce,
            algorithms: &algorithms,
            client_secret: client_secret.as_ref(),
            access_token: Some(&tokens.access_token),
            max_age: presented.max_age,
            now: context.system.clock.now(),
        };
        if symmetric {
            return Ok(Some(id_token::validate(token, &crate::oauth::jose::KeySet::default(), &expected)?));
        }
        let uri = server.endpoint("jwks_uri")?;
        let keys = |fresh| discovery::key_set(context.system, &uri, &self.transport, fresh);
        match id_token::validate(token, &keys(context.refresh_metadata)?, &expected) {
            // The server may have changed its keys since they were fetched (M7).
            Err(IdTokenError::Signature) => Ok(Some(id_token::validate(token, &keys(true)?, &expected)?)),
            claims => Ok(Some(claims?)),
        }
    }

    /// Revokes a record's tokens, the refresh token first (RFC 7009 section 2.1).
    pub fn revoke(&self, context: &Context<'_>, record: &Record) -> Vec<(&'static str, Revocation)> {
        let tokens = record
            .refresh_token
            .iter()
            .map(|token| ("refresh token", "refresh_token", token.expose()))
            .chain(
                record.tokens().map(|token| ("access token", "access_token", token.access_token.expose())),
            );
        let endpoint = if self.can("revoke") { self.revocation_endpoint(context, record) } else { Ok(None) };
        let mut outcomes = Vec::new();
        match endpoint {
            Ok(None) => outcomes.extend(tokens.take(1).map(|(kind, ..)| (kind, Revocation::NotOffered))),
            Err(error) => outcomes.push(("token", Revocation::Failed(error))),
            Ok(Some((endpoint, client))) => {
                for (kind, hint, token) in tokens {
                    let request = revocation::request(&endpoint, &client, token, hint, &self.transport);
                    let outcome = context.system.http.send(&request).map_err(ProviderError::from);
                    let outcome = outcome.and_then(|response| Ok(revocation::response(&response)?));
                    outcomes.push((kind, outcome.map_or_else(Revocation::Failed, |()| Revocation::Revoked)));
                }
            }
        }
        outcomes
    }

    /// Where this record's tokens may be revoked: at an endpoint of the server that they are bound to.
    fn revocation_endpoint(
        &self,
        context: &Context<'_>,
        record: &Record,
    ) -> Result<Option<(EndpointUrl, Client)>, ProviderError> {
        let server = match self.server(context, &["revocation_endpoint"]) {
            Ok(server) => server,
            Err(
                ProviderError::Unconfigured { .. }
                | ProviderError::Discovery(DiscoveryError::NotPublished { .. }),
            ) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let bound = record.binding.get(Binding::TOKEN_ENDPOINT).unwrap_or_default();
        let Some(endpoint) = server.endpoint_beside("revocation_endpoint", bound)? else { return Ok(None) };
        let client_id = record.binding.get(Binding::CLIENT_ID).unwrap_or_default();
        let client = self.client(context, &server, client_id)?;
        Ok(Some((endpoint, client)))
    }

    /// Asks who the user of an access token is.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub fn userinfo(
        &self,
        context: &Context<'_>,
        token: &AccessToken,
        subject: Option<&str>,
    ) -> Result<Map<String, Value>, ProviderError> {
        if !self.can("userinfo") {
            return Err(ProviderError::NotOffered("userinfo"));
        }
        let server = self.server(context, &["token_endpoint", "userinfo_endpoint"])?;
        let origin = server.endpoint("token_endpoint")?.origin();
        let endpoint = server.endpoint_beside("userinfo_endpoint", &origin)?;
        let endpoint = endpoint.ok_or(ProviderError::NotOffered("userinfo"))?;
        let request = userinfo::request(&endpoint, token, &self.transport);
        Ok(userinfo::response(&context.system.http.send(&request)?, subject)?)
    }
}

impl Server<'_> {
    fn has(&self, name: &str) -> bool {
        let learned = || self.metadata.as_ref().and_then(|metadata| metadata.text(name));
        self.oauth.endpoints.contains_key(name) || learned().is_some_and(|url| !url.is_empty())
    }

    /// An endpoint: the configured, or the discovered if it passes the URL gate (M6).
    ///
    /// # Errors
    /// [`ProviderError::Url`], [`ProviderError::Unconfigured`].
    pub fn endpoint(&self, name: &str) -> Result<EndpointUrl, ProviderError> {
        if let Some(url) = self.oauth.endpoints.get(name) {
            return Ok(url.clone());
        }
        match self.metadata.as_ref().and_then(|metadata| metadata.text(name)).filter(|url| !url.is_empty()) {
            Some(url) => Ok(EndpointUrl::learned(url, &self.oauth.issuer)?),
            None => Err(ProviderError::Unconfigured {
                message: format!("the server's `{name}` is not known"),
                hint: Some(format!("set {name} in the configuration")),
            }),
        }
    }

    /// An endpoint that is sent a secret of the token endpoint at `origin`. What a server merely says of itself must not
    /// lead it elsewhere: a learned endpoint is at that origin, or named by the document that names the token endpoint
    /// there; and the document of an issuer that nobody wrote says nothing about a token endpoint that somebody did (O15).
    ///
    /// # Errors
    /// As [`Self::endpoint`]; `None` for one that is not to be trusted with it.
    pub fn endpoint_beside(&self, name: &str, origin: &str) -> Result<Option<EndpointUrl>, ProviderError> {
        let endpoint = self.endpoint(name)?;
        let document = self.metadata.as_ref().and_then(|metadata| metadata.text("token_endpoint"));
        let document = document.and_then(|url| EndpointUrl::learned(url, &self.oauth.issuer).ok());
        let vouched = self.oauth.issuer_written || !self.oauth.endpoints.contains_key("token_endpoint");
        let trusted = self.oauth.endpoints.contains_key(name)
            || endpoint.origin() == origin
            || vouched && document.is_some_and(|document| document.origin() == origin);
        Ok(trusted.then_some(endpoint))
    }

    /// The issuer, as its metadata writes it.
    #[must_use]
    pub fn issuer(&self) -> String {
        let learned = self.metadata.as_ref().and_then(Metadata::issuer);
        learned.unwrap_or(self.oauth.issuer.as_str()).to_owned()
    }

    /// The issuer to compare redirects with: known only from validated metadata, or written (RFC 9207 section 2.4).
    #[must_use]
    pub fn issuer_to_expect(&self) -> Option<String> {
        (self.metadata.is_some() || self.oauth.issuer_written)
            .then(|| self.issuer())
            .filter(|issuer| !issuer.contains('{'))
    }

    /// Whether the server says that redirects carry `iss`.
    #[must_use]
    pub fn sends_issuer(&self) -> bool {
        self.metadata
            .as_ref()
            .is_some_and(|metadata| metadata.flag("authorization_response_iss_parameter_supported"))
    }

    /// The algorithms of id tokens: the configured, else RS256 (OpenID Connect Core section 2), else, where the server
    /// says that it has no RS256, the asymmetric ones that it names.
    fn id_token_algorithms(&self) -> Vec<Algorithm> {
        if let Some(algorithm) = self.oauth.algorithm {
            return vec![algorithm];
        }
        let offered = self
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

    /// The full binding of what this server grants to the configured client.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub fn binding(&self) -> Result<Binding, ProviderError> {
        let endpoint = self.endpoint("token_endpoint")?;
        let binding = self.oauth.binding().with(Binding::TOKEN_ENDPOINT, endpoint.origin());
        Ok(binding.with(Binding::CLIENT_ID, self.oauth.client_id()?))
    }
}

/// The scopes together, and those of each capability.
fn read_scopes(setting: Option<&Setting>) -> (ScopeSet, BTreeMap<String, ScopeSet>) {
    let words = |setting: &Setting| {
        let words = setting.strings().unwrap_or_default();
        words
            .iter()
            .filter_map(|word| word.parse().ok())
            .fold(ScopeSet::default(), |all, set: ScopeSet| all.union(&set))
    };
    match setting {
        None => (ScopeSet::default(), BTreeMap::new()),
        Some(Setting { value: SettingValue::Table(table), .. }) => {
            let by_capability: BTreeMap<String, ScopeSet> =
                table.iter().map(|(name, scopes)| (name.clone(), words(scopes))).collect();
            let all = by_capability.values().fold(ScopeSet::default(), |all, set| all.union(set));
            (all, by_capability)
        }
        Some(setting) => (words(setting), BTreeMap::new()),
    }
}
