//! Checks the network: proxies, whether each server is reachable, and who issued a rejected certificate.

use std::collections::BTreeMap;

use url::Url;

use super::examination::Examination;
use super::finding::{Finding, Topic};
use crate::config::Provider;
use crate::discovery::{DiscoveryError, documents};
use crate::error::Status;
use crate::name::ProviderName;
use crate::oauth::certificate;
use crate::oauth::endpoint::{EndpointUrl, authority, host_url};
use crate::oauth::metadata::Metadata;
use crate::ports::{CertificateFlaw, HttpError, Method, Transport};
use crate::text::untrusted::escaped;

const TOPIC: Topic = Topic::Network;
/// The environment variables for proxies.
const PROXIES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// The metadata that each provider's server published, with its URL.
pub(super) type Documents = BTreeMap<ProviderName, Vec<(Url, Result<Metadata, DiscoveryError>)>>;

pub(super) fn check(examination: &Examination<'_>) -> (Vec<Finding>, Documents) {
    let mut findings = proxies(examination);
    let mut published = Documents::new();
    if examination.offline {
        findings.push(Finding::note(TOPIC, "", "not checked: --offline"));
        return (findings, published);
    }
    let mut asked: Vec<(String, Transport)> = Vec::new();
    for provider in &examination.providers {
        if let Some(finding) = examination.out_of_time(TOPIC, provider.name.as_str()) {
            findings.push(finding);
            continue;
        }
        let transport = provider.source.transport();
        let mut others = Vec::new();
        if let Some(oauth) = provider.source.oauth() {
            let server = authority(oauth.issuer().url());
            let found = documents(examination.app.system, &oauth.query());
            let error = found.iter().find_map(|(url, document)| match document {
                Err(DiscoveryError::Http(error)) => Some((url, error)),
                _ => None,
            });
            let key = (server.clone(), transport.clone());
            if !asked.contains(&key) {
                findings.push(match error {
                    Some((url, error)) => unreachable(examination, provider, url, error),
                    None => reached(examination, oauth.issuer().url()),
                });
                asked.push(key);
            }
            published.insert(provider.name.clone(), found);
            others.extend(oauth.configured_token_endpoint().map(|endpoint| endpoint.url().clone()));
        } else {
            others.extend(provider.hosts.first().and_then(|host| host_url(&provider.scheme, host).ok()));
        }
        for mut url in others {
            let key = (authority(&url), transport.clone());
            if asked.contains(&key) {
                continue;
            }
            asked.push(key);
            url.set_path("/");
            url.set_query(None);
            let Ok(endpoint) = EndpointUrl::configured(url.as_str()) else { continue };
            let answer = examination.app.system.http.send(&endpoint.request(Method::Get, &transport));
            findings.push(match answer {
                Ok(_) => reached(examination, endpoint.url()),
                Err(error) => unreachable(examination, provider, endpoint.url(), &error),
            });
        }
    }
    (findings, published)
}

fn reached(examination: &Examination<'_>, url: &Url) -> Finding {
    let server = authority(url);
    let answers = examination.watched.answers();
    let time = answers.iter().filter(|answer| answer.server == server).map(|answer| answer.time).min();
    let what = if url.scheme() == "https" { "reachable, with a valid certificate" } else { "reachable" };
    let finding = Finding::ok(TOPIC, server, what);
    match time {
        Some(time) => finding.took(time),
        None => finding,
    }
}

fn unreachable(examination: &Examination<'_>, provider: &Provider, url: &Url, error: &HttpError) -> Finding {
    let transport = provider.source.transport();
    let subject = format!("{} ({})", authority(url), provider.name);
    let proxy = proxy_of(examination, &transport, url);
    match error {
        HttpError::Untrusted { flaw, reason, .. } => {
            untrusted(examination, &transport, url, (subject, *flaw, reason), proxy)
        }
        HttpError::NotSent { reason, .. } => {
            let finding = Finding::problem(TOPIC, subject, format!("not reachable: {reason}"));
            match proxy {
                Some(proxy) => finding.why(format!("the connection uses the proxy {proxy}")).fix(
                    "check that the proxy runs and allows this host, or add the host to NO_PROXY",
                ),
                None => finding.why("its name does not resolve, it is not running, or a firewall blocks it").fix(
                    "check the network, and domain and issuer in the config file; behind a proxy: export HTTPS_PROXY=http://HOST:PORT",
                ),
            }
        }
        HttpError::AnswerLost { reason, .. } => {
            Finding::problem(TOPIC, subject, format!("no response: {reason}"))
                .why("it is overloaded, or something in between drops the response")
                .fix("try again later")
        }
        HttpError::Setup(reason) => Finding::problem(TOPIC, subject, reason.clone())
            .fix(format!("change `{}`'s ca_file, proxy or certificate in the config file", provider.name))
            .status(Status::Config),
        HttpError::TooLarge { .. } | HttpError::NotPublic { .. } => {
            Finding::warning(TOPIC, subject, error.to_string())
        }
    }
}

/// Explains a rejected certificate by its issuer, which is usually a proxy that inspects TLS.
fn untrusted(
    examination: &Examination<'_>,
    transport: &Transport,
    url: &Url,
    (subject, flaw, reason): (String, CertificateFlaw, &str),
    proxy: Option<String>,
) -> Finding {
    let limited = Transport { timeout: examination.left().min(super::LONGEST_EXCHANGE), ..transport.clone() };
    let shown = examination.app.system.machine.certificates(url, &limited);
    let facts = shown.ok().and_then(|chain| certificate::facts(chain.first()?));
    // The rest lists all names in the certificate.
    let short = reason.split(';').next().unwrap_or_default();
    let finding = Finding::problem(TOPIC, subject, format!("its certificate is not valid: {short}"));
    let now = examination.app.system.clock.now();
    let by = facts.as_ref().map(|facts| format!("it was issued by {}", facts.issuer)).unwrap_or_default();
    let through =
        proxy.map(|proxy| format!(", and the connection uses the proxy {proxy}")).unwrap_or_default();
    match &facts {
        Some(facts) if facts.ends < now => finding
            .why(format!("it expired on {}; {by}{through}", facts.ends.strftime("%Y-%m-%d")))
            .fix("check this machine's clock; if it is correct, ask the server's administrator to renew the certificate"),
        Some(_) if flaw == CertificateFlaw::NotYetValid => finding
            .why(format!("it is not valid yet; {by}{through}"))
            .fix("check this machine's clock"),
        Some(_) if flaw == CertificateFlaw::OtherName => finding
            .why(format!("it is for other names; {by}{through}"))
            .fix("check domain, issuer and the endpoints in the config file; if this network has a login page, open any web page in a browser and log in"),
        _ => finding
            .why(format!("{by}{through}; this machine does not trust that authority, which may belong to a company's TLS-inspecting proxy or to a private server"))
            .fix("if you trust that authority, save its certificate to a file and set it in the config file: ca_file = \"/path/to/authority.pem\""),
    }
}

/// Returns the proxy for a server, without its password, and the setting that it comes from.
fn proxy_of(examination: &Examination<'_>, transport: &Transport, url: &Url) -> Option<String> {
    if bypasses_proxy(examination, url) {
        return None;
    }
    if let Some(proxy) = &transport.proxy {
        return Some(format!("{} (the key `proxy`)", address(proxy)));
    }
    let environment = &examination.app.system.environment;
    let set = |name: &&str| environment.variable(name).filter(|value| !value.is_empty());
    let names = if url.scheme() == "https" { [0, 1, 4, 5] } else { [2, 3, 4, 5] };
    let found = names.map(|index| PROXIES[index]).into_iter().find_map(|name| Some((name, set(&name)?)));
    found.map(|(name, proxy)| format!("{} ({name})", address(&proxy)))
}

/// Whether a server is contacted without a proxy: it is on this machine, or NO_PROXY contains it or a parent domain.
fn bypasses_proxy(examination: &Examination<'_>, url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let environment = &examination.app.system.environment;
    let excluded = ["NO_PROXY", "no_proxy"].iter().find_map(|name| environment.variable(name));
    let names = |part: &str| {
        let part = part.trim().trim_start_matches('.');
        part == "*" || part == host || host.strip_suffix(part).is_some_and(|rest| rest.ends_with('.'))
    };
    is_local_host(host)
        || excluded
            .is_some_and(|excluded| excluded.split(',').any(|part| !part.trim().is_empty() && names(part)))
}

fn is_local_host(host: &str) -> bool {
    host == "localhost" || host == "[::1]" || host.starts_with("127.")
}

fn proxies(examination: &Examination<'_>) -> Vec<Finding> {
    let environment = &examination.app.system.environment;
    let mut findings = Vec::new();
    for name in PROXIES {
        if let Some(value) = environment.variable(name).filter(|value| !value.is_empty()) {
            findings.push(Finding::note(TOPIC, name, format!("uses the proxy {}", address(&value))));
        }
    }
    for provider in &examination.providers {
        if let Some(proxy) = provider.source.transport().proxy {
            let what = format!("uses the proxy {} (the key `proxy`)", address(&proxy));
            findings.push(Finding::note(TOPIC, provider.name.as_str(), what));
        }
    }
    let excluded = ["NO_PROXY", "no_proxy"].iter().find_map(|name| environment.variable(name));
    if let (Some(excluded), false) = (excluded.filter(|excluded| !excluded.is_empty()), findings.is_empty()) {
        findings.push(Finding::note(TOPIC, "NO_PROXY", format!("no proxy for {}", escaped(&excluded))));
    }
    findings
}

/// Returns only host and port, because the part before an `@` may contain a password.
fn address(proxy: &str) -> String {
    let with_scheme =
        || (!proxy.contains("://")).then(|| Url::parse(&format!("http://{proxy}")).ok()).flatten();
    let url = Url::parse(proxy).ok().filter(Url::has_host).or_else(with_scheme);
    url.map_or_else(|| "not a valid URL".to_owned(), |url| escaped(&authority(&url)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_shown_without_its_password_f_leak3() {
        for (proxy, want) in [
            ("http://user:canary@proxy.example:3128/x?y", "proxy.example:3128"),
            ("proxy.example:3128", "proxy.example:3128"),
            ("user:canary@proxy.example:3128", "proxy.example:3128"),
            ("socks5h://u:canary@127.0.0.1:1080", "127.0.0.1:1080"),
            ("http://[", "not a valid URL"),
        ] {
            assert_eq!(address(proxy), want, "{proxy}");
        }
    }
}
