//! Reads the settings that all OAuth grants share.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use super::client_settings::ClientSettings;
use super::oauth_client::OAuthClient;
use crate::binding::Binding;
use crate::oauth::endpoint::{EndpointUrl, Issuer, UrlRefused};
use crate::oauth::metadata::ENDPOINTS;
use crate::oauth::quirks::Quirks;
use crate::ports::Transport;
use crate::provider::build_context::BuildContext;
use crate::schema::{Layer, Problem, Scopes, Section};

impl OAuthClient {
    /// Reads the keys that all grants share.
    ///
    /// # Errors
    /// Every problem that was found.
    pub fn read(section: &Section, build: &BuildContext) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let issuer = read_issuer(section, build, &mut problems);
        let endpoints = read_endpoints(section, &mut problems);
        check_resources_and_proxy(section, &mut problems);
        let client = ClientSettings::read(section, build, &mut problems);
        let Scopes { all: scopes, by_capability: scopes_by_capability } = section.scopes("scopes");
        let Some(issuer) = issuer.filter(|_| problems.is_empty()) else { return Err(problems) };
        Ok(Self {
            issuer,
            issuer_written: section.has("issuer"),
            discovers: section.origin("issuer").is_some_and(|origin| origin.layer() != Layer::Template),
            endpoints,
            client,
            userless_grant: None,
            variant: Binding::default(),
            client_optional: false,
            uses_key_to_authenticate: true,
            scopes,
            scopes_by_capability,
            audience: section.strings("audience"),
            resource: section.strings("resource"),
            token_params: section.free("token_params"),
            use_openid: section.flag("use_openid"),
            use_dpop: section.flag("use_dpop").unwrap_or(false),
            algorithm: section.text("id_token_signed_response_alg").and_then(|name| name.parse().ok()),
            cannot: section
                .flags("capabilities")
                .into_iter()
                .filter(|(_, can)| !can)
                .map(|(name, _)| name)
                .collect(),
            refresh_early: section.duration("refresh_early").unwrap_or(Duration::from_secs(60)),
            quirks: Quirks::read(section.section("quirks")),
            transport: Transport {
                ca_file: section.path("ca_file", build.home.as_deref()),
                proxy: section.text("proxy").map(str::to_owned),
                timeout: section.duration("timeout").unwrap_or(Transport::default().timeout),
                identity: None,
            },
            registration: build.registration.clone(),
            defined_by_environment: build.defined_by_environment,
            discovered: RefCell::new(None),
            known_identity: OnceCell::new(),
        })
    }

    /// Reads the keys of a grant that only a client with credentials of its own has.
    ///
    /// # Errors
    /// Every problem that was found.
    pub fn read_confidential(section: &Section, build: &BuildContext) -> Result<Self, Vec<Problem>> {
        let oauth = Self::read(section, build)?;
        if oauth.client.is_confidential() {
            return Ok(oauth);
        }
        let problem = section.problem(
            "client_secret",
            "is missing: this grant requires a `client_secret`, a `private_key` or a `certificate`",
        );
        Err(vec![problem.hiding_value()])
    }
}

fn read_issuer(section: &Section, build: &BuildContext, problems: &mut Vec<Problem>) -> Option<Issuer> {
    let derived = format!("{}://{}", build.scheme, build.domain);
    let is_discovered = section.origin("issuer").is_some_and(|origin| origin.layer() == Layer::Discovered);
    let issuer = match (section.text("issuer"), Issuer::configured(&derived)) {
        // A resource supplied this issuer, on a host of its own choice.
        (Some(issuer), Ok(place)) if is_discovered => Issuer::discovered(issuer, place.url()),
        (Some(issuer), _) => Issuer::configured(issuer),
        (None, place) => place,
    };
    let problem = |error: UrlRefused| {
        section.url_problem("issuer", &format!("is not a valid issuer: {error}"), error.is_secret())
    };
    issuer.map_err(|error| problems.push(problem(error))).ok()
}

fn read_endpoints(section: &Section, problems: &mut Vec<Problem>) -> BTreeMap<&'static str, EndpointUrl> {
    let mut endpoints = BTreeMap::new();
    for &name in ENDPOINTS.iter().chain(&["refresh_endpoint"]) {
        let Some(text) = section.text(name) else { continue };
        match EndpointUrl::configured(text) {
            Ok(url) => drop(endpoints.insert(name, url)),
            Err(error) => problems.push(section.url_problem(
                name,
                &format!("is not a valid endpoint: {error}"),
                error.is_secret(),
            )),
        }
    }
    endpoints
}

fn check_resources_and_proxy(section: &Section, problems: &mut Vec<Problem>) {
    for resource in section.strings("resource") {
        // RFC 8707 section 2: "MUST be an absolute URI", "MUST NOT include a fragment component".
        if url::Url::parse(&resource).is_err() || resource.contains('#') {
            let message = "must be absolute URIs without a fragment (RFC 8707 section 2)";
            problems.push(section.problem("resource", message));
        }
    }
    if section.text("proxy").is_some_and(|proxy| url::Url::parse(proxy).is_err()) {
        problems.push(section.problem("proxy", "is not a valid URL").hiding_value());
    }
}
