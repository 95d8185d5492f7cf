//! Checks each provider: its server's metadata, missing endpoints, and settings that the server does not support.

use super::examination::Examination;
use super::finding::{Finding, Topic};
use super::network::Documents;
use super::store::Stored;
use super::{login, need, secret};
use crate::advice::Advise;
use crate::config::Provider;
use crate::discovery::DiscoveryError;
use crate::error::{Error, Status};
use crate::oauth::certificate;
use crate::oauth::metadata::{Metadata, MetadataError};
use crate::os::text_file::read_text;
use crate::provider::client::{OAuthClient, Server};
use crate::text::humanize::relative;
use crate::text::untrusted::escaped;
use url::Url;

const TOPIC: Topic = Topic::Provider;
/// Renewing a certificate is usually manual and takes days.
const SOON: jiff::SignedDuration = jiff::SignedDuration::from_hours(14 * 24);
/// No certificate chain is larger.
const LONGEST_CERTIFICATE: u64 = 1 << 20;

pub(super) fn check(examination: &Examination<'_>, documents: &Documents, stored: &[Stored]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in &examination.unusable {
        findings.push(
            Finding::note(TOPIC, name.as_str(), "not checked: its configuration is not valid")
                .fix("fix the problems listed under Configuration"),
        );
    }
    for provider in &examination.providers {
        if let Some(finding) = examination.out_of_time(TOPIC, provider.name.as_str()) {
            findings.push(finding);
            continue;
        }
        if let Some(oauth) = provider.source.oauth() {
            let published = documents.get(&provider.name).map(Vec::as_slice).unwrap_or_default();
            findings.extend(server(provider, oauth, published));
            findings.extend(client(examination, provider, oauth));
        }
        findings.extend(need::check(examination, provider));
        findings.extend(secret::check(examination, provider));
        findings.extend(login::check(examination, provider, stored));
    }
    findings
}

type Published = (Url, Result<Metadata, DiscoveryError>);

fn server(provider: &Provider, oauth: &OAuthClient, published: &[Published]) -> Vec<Finding> {
    let name = provider.name.as_str();
    let mut findings = Vec::new();
    let found = published.iter().find_map(|(url, document)| Some((url, document.as_ref().ok()?)));
    for (url, document) in published {
        findings.extend(document.as_ref().err().and_then(|error| refused(name, url, error)));
    }
    if let Some((url, metadata)) = found {
        let issuer = escaped(metadata.issuer().unwrap_or_default());
        findings.push(Finding::ok(
            TOPIC,
            name,
            format!("{} has the metadata for {issuer}", escaped(url.as_str())),
        ));
    }
    let server = oauth.server_as(found.map(|(_, metadata)| metadata.clone()));
    let was_asked = published.iter().any(|(_, document)| !matches!(document, Err(DiscoveryError::Http(_))));
    let missing: Vec<&str> =
        needed(provider, oauth).into_iter().filter(|endpoint| !server.has(endpoint)).collect();
    for endpoint in missing.into_iter().filter(|_| was_asked) {
        findings.push(
            Finding::problem(TOPIC, name, format!("its `{endpoint}` is missing"))
                .why("neither the config file nor the server's metadata contains it")
                .fix(format!("set {endpoint}, or issuer, in [credentials.{name}.oauth]")),
        );
    }
    if found.is_some() {
        findings.extend(offers(provider, oauth, &server));
    }
    findings
}

/// Reports a document that must not be used. A missing document is not a problem, because several URLs are tried.
fn refused(name: &str, url: &Url, error: &DiscoveryError) -> Option<Finding> {
    let place = escaped(url.as_str());
    let finding =
        match error {
            DiscoveryError::Http(_) | DiscoveryError::NotPublished { .. } => return None,
            DiscoveryError::Metadata {
                source: MetadataError::IssuerMismatch { expected, found }, ..
            } => Finding::problem(
                TOPIC,
                name,
                format!("{place} has the metadata of another issuer: {found}"),
            )
            .why(format!(
                "the configured issuer is {expected}, and a server must not publish metadata for another one"
            ))
            .fix(format!("if {found} is correct, set it as issuer in [credentials.{name}.oauth]")),
            error => {
                Finding::warning(TOPIC, name, format!("{place}: {}", crate::text::causes::with_causes(error)))
                    .why("a server's metadata must be a JSON object (RFC 8414)")
            }
        };
    Some(finding)
}

/// Returns the endpoints that a login or a token needs.
fn needed(provider: &Provider, oauth: &OAuthClient) -> Vec<&'static str> {
    let first = match provider.kind.grant() {
        Some("authorization_code") => Some("authorization_endpoint"),
        Some("device_code") => Some("device_authorization_endpoint"),
        Some("ciba") => Some("backchannel_authentication_endpoint"),
        _ => None,
    };
    let keys = (first.is_some() && oauth.uses_openid(oauth.scopes()) && !oauth.signs_symmetrically())
        .then_some("jwks_uri");
    first.into_iter().chain(["token_endpoint"]).chain(keys).collect()
}

/// Compares the configuration with the server's metadata.
fn offers(provider: &Provider, oauth: &OAuthClient, server: &Server<'_>) -> Vec<Finding> {
    let name = provider.name.as_str();
    let mut findings = Vec::new();
    let grant = provider.kind.grants.iter().copied();
    if let Some(offered) = server.lists("grant_types_supported")
        && !grant.clone().any(|grant| offered.iter().any(|offer| offer == grant))
        && let Some(grant) = provider.kind.grant()
    {
        findings.push(
            Finding::warning(TOPIC, name, format!("the server's metadata does not list the grant `{grant}`"))
                .why("some servers support more than they list")
                .fix("if the server rejects it, set another grant_type"),
        );
    }
    if provider.kind.grant() == Some("authorization_code") {
        match server.lists("code_challenge_methods_supported") {
            Some(methods) if methods.iter().any(|method| method == "S256") => {
                findings.push(Finding::ok(TOPIC, name, "the server supports PKCE with S256"));
            }
            Some(_) => findings.push(
                Finding::warning(TOPIC, name, "the server's metadata does not list PKCE with S256")
                    .why("authctl always uses it; some servers ignore parameters that they do not support")
                    .fix("if the server rejects it, ask its administrator to enable PKCE (RFC 7636)"),
            ),
            None => findings.push(Finding::ok(TOPIC, name, "the server's metadata does not mention PKCE")),
        }
    }
    if let Some(known) = server.lists("scopes_supported") {
        let unknown: Vec<String> = oauth
            .scopes()
            .iter()
            .filter(|scope| !known.iter().any(|known| known == scope))
            .map(str::to_owned)
            .collect();
        if !unknown.is_empty() {
            let what = format!("the server does not list the scopes {}", unknown.join(" "));
            findings.push(
                Finding::note(TOPIC, name, what)
                    .why("a server need not list all its scopes (RFC 8414 section 2)"),
            );
        }
    }
    findings
}

/// Checks the client's ID, redirect URI and certificate.
fn client(examination: &Examination<'_>, provider: &Provider, oauth: &OAuthClient) -> Vec<Finding> {
    let name = provider.name.as_str();
    let mut findings = Vec::new();
    if let Err(error) = oauth.client_id() {
        let what = error.to_string();
        let hint = Error::Provider(error).hint().unwrap_or_else(|| "set client_id".to_owned());
        findings.push(Finding::problem(TOPIC, name, what).fix(hint).status(Status::Config));
    }
    if let Some(uri) = provider.source.redirect_uri() {
        let place = oauth.registration().map(|place| format!(" at {place}")).unwrap_or_default();
        findings.push(match uri.fixed_port() {
            Some(_) => Finding::ok(TOPIC, name, format!("{uri} must be registered exactly{place}")),
            None => Finding::ok(TOPIC, name, format!("{uri} must be registered for any port{place}")),
        });
    }
    if let Some(path) = oauth.certificate_file() {
        findings.push(own_certificate(examination, name, path));
    }
    findings
}

fn own_certificate(examination: &Examination<'_>, name: &str, path: &std::path::Path) -> Finding {
    let path = examination.app.system.paths.expand(path);
    let shown = path.display();
    let read = match read_text(&path, LONGEST_CERTIFICATE) {
        Ok(pem) => certificate::first(&pem)
            .and_then(|der| certificate::facts(&der))
            .ok_or_else(|| "it contains no PEM certificate".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let now = examination.app.system.clock.now();
    match read {
        Err(reason) => Finding::problem(TOPIC, name, format!("cannot use its certificate {shown}: {reason}"))
            .fix("change `certificate` in the config file")
            .status(Status::Config),
        Ok(facts) if facts.ends <= now => Finding::problem(
            TOPIC,
            name,
            format!("its certificate {shown} expired {}", relative(facts.ends, now)),
        )
        .fix("get a new certificate from its issuer"),
        Ok(facts) if facts.ends.duration_since(now) < SOON => Finding::warning(
            TOPIC,
            name,
            format!("its certificate {shown} expires {}", relative(facts.ends, now)),
        )
        .fix("get a new certificate from its issuer"),
        Ok(_) => Finding::ok(TOPIC, name, format!("its certificate {shown} is valid")),
    }
}
