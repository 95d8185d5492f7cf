//! Each provider: what its server publishes, what is missing of it, and what of the configuration does not go with it.

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
/// Certificates are renewed by hand, mostly: that takes days.
const SOON: jiff::SignedDuration = jiff::SignedDuration::from_hours(14 * 24);
/// No certificate chain is longer.
const LONGEST_CERTIFICATE: u64 = 1 << 20;

pub(super) fn check(examination: &Examination<'_>, documents: &Documents, stored: &[Stored]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in &examination.unusable {
        findings.push(
            Finding::note(TOPIC, name.as_str(), "not looked at: its configuration is wrong")
                .mend("mend what is said of the configuration"),
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
            format!("{} is the metadata of {issuer}", escaped(url.as_str())),
        ));
    }
    let server = oauth.server_as(found.map(|(_, metadata)| metadata.clone()));
    let was_asked = published.iter().any(|(_, document)| !matches!(document, Err(DiscoveryError::Http(_))));
    let missing: Vec<&str> =
        needed(provider, oauth).into_iter().filter(|endpoint| !server.has(endpoint)).collect();
    for endpoint in missing.into_iter().filter(|_| was_asked) {
        findings.push(
            Finding::problem(TOPIC, name, format!("its `{endpoint}` is not known"))
                .why("neither the configuration nor what the server publishes names it")
                .mend(format!("set {endpoint}, or issuer, in [credentials.{name}.oauth]")),
        );
    }
    if found.is_some() {
        findings.extend(offers(provider, oauth, &server));
    }
    findings
}

/// A document that must not be used. That there is none at a place is nothing: there are several.
fn refused(name: &str, url: &Url, error: &DiscoveryError) -> Option<Finding> {
    let place = escaped(url.as_str());
    let finding = match error {
        DiscoveryError::Http(_) | DiscoveryError::NotPublished { .. } => return None,
        DiscoveryError::Metadata { source: MetadataError::IssuerMismatch { expected, found }, .. } => {
            Finding::problem(TOPIC, name, format!("{place} is the metadata of another issuer: {found}"))
                .why(format!("{expected} was asked for, and a server must not speak for another"))
                .mend(format!("if that is the right one, set issuer to it in [credentials.{name}.oauth]"))
        }
        error => {
            Finding::warning(TOPIC, name, format!("{place}: {}", crate::text::causes::with_causes(error)))
                .why("a server's metadata is a JSON object (RFC 8414)")
        }
    };
    Some(finding)
}

/// The endpoints without which a login, or a token, is not possible.
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

/// What the server says that it can do.
fn offers(provider: &Provider, oauth: &OAuthClient, server: &Server<'_>) -> Vec<Finding> {
    let name = provider.name.as_str();
    let mut findings = Vec::new();
    let grant = provider.kind.grants.iter().copied();
    if let Some(offered) = server.lists("grant_types_supported")
        && !grant.clone().any(|grant| offered.iter().any(|offer| offer == grant))
        && let Some(grant) = provider.kind.grant()
    {
        findings.push(
            Finding::warning(TOPIC, name, format!("the server does not say that it offers `{grant}`"))
                .why("some offer more than they say")
                .mend("if it is refused, choose another grant_type"),
        );
    }
    if provider.kind.grant() == Some("authorization_code") {
        match server.lists("code_challenge_methods_supported") {
            Some(methods) if methods.iter().any(|method| method == "S256") => {
                findings.push(Finding::ok(TOPIC, name, "the server takes PKCE with S256"));
            }
            Some(_) => findings.push(
                Finding::warning(TOPIC, name, "the server does not say that it takes PKCE with S256")
                    .why("logins here always use it; some servers ignore what they do not know")
                    .mend("if it is refused, ask its administrator for PKCE (RFC 7636)"),
            ),
            None => findings.push(Finding::ok(TOPIC, name, "the server does not say whether it takes PKCE")),
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
                    .why("a server need not list all that it has (RFC 8414 section 2)"),
            );
        }
    }
    findings
}

/// What the server must know of the client, and the client of itself.
fn client(examination: &Examination<'_>, provider: &Provider, oauth: &OAuthClient) -> Vec<Finding> {
    let name = provider.name.as_str();
    let mut findings = Vec::new();
    if let Err(error) = oauth.client_id() {
        let what = error.to_string();
        let hint = Error::Provider(error).hint().unwrap_or_else(|| "set client_id".to_owned());
        findings.push(Finding::problem(TOPIC, name, what).mend(hint).status(Status::Config));
    }
    if let Some(uri) = provider.source.redirect_uri() {
        let place = oauth.registration().map(|place| format!(" at {place}")).unwrap_or_default();
        findings.push(match uri.fixed_port() {
            Some(_) => Finding::ok(TOPIC, name, format!("{uri} must be registered, exactly so{place}")),
            None => Finding::ok(TOPIC, name, format!("{uri} must be registered, for any port{place}")),
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
        Err(reason) => {
            Finding::problem(TOPIC, name, format!("its certificate {shown} cannot be used: {reason}"))
                .mend("change `certificate` in the configuration")
                .status(Status::Config)
        }
        Ok(facts) if facts.ends <= now => Finding::problem(
            TOPIC,
            name,
            format!("its certificate {shown} has ended, {}", relative(facts.ends, now)),
        )
        .mend("get a new one from whoever issued it"),
        Ok(facts) if facts.ends.duration_since(now) < SOON => Finding::warning(
            TOPIC,
            name,
            format!("its certificate {shown} ends {}", relative(facts.ends, now)),
        )
        .mend("get a new one from whoever issued it"),
        Ok(_) => Finding::ok(TOPIC, name, format!("its certificate {shown} is good")),
    }
}
