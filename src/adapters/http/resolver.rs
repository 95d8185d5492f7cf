//! Resolves host names; names from a server only to public addresses.

use std::net::SocketAddr;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::oauth::address::is_public;

/// Resolves names on the client's own thread. The default resolver starts more threads, and panics if the system allows
/// none. The client sends one request at a time and its caller enforces a timeout, so blocking here delays nobody else.
pub(crate) struct AnyAddress;

impl Resolve for AnyAddress {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move { Ok(Box::new(look_up(name.as_str())?.into_iter()) as Addrs) })
    }
}

fn look_up(name: &str) -> std::io::Result<Vec<SocketAddr>> {
    Ok(std::net::ToSocketAddrs::to_socket_addrs(&(name, 0))?.collect())
}

/// Resolves names only to public addresses. The connection uses the checked addresses, so a name cannot be rebound in
/// between (F-SSRF).
pub(super) struct PublicOnly {
    /// The proxy that the request goes through, which may be on a private network. What a proxy looks up and connects
    /// to cannot be checked here.
    pub(super) proxy: Option<String>,
}

/// The host name of the proxy for this URL, chosen as reqwest chooses it. `None` without a proxy, or if the URL
/// names the proxy's own host: the proxy would connect to itself, inside the private network.
pub(super) fn proxy_name(configured: Option<&str>, url: &url::Url) -> Option<String> {
    let matcher = match configured {
        Some(proxy) => Matcher::builder().all(proxy).build(),
        None => Matcher::from_system(),
    };
    chosen_proxy(&matcher, url)
}

fn chosen_proxy(matcher: &Matcher, url: &url::Url) -> Option<String> {
    let proxy = matcher.intercept(&url.as_str().parse().ok()?)?;
    let host = proxy.uri().host()?;
    let without_dot = |name: &str| name.trim_end_matches('.').to_ascii_lowercase();
    (without_dot(host) != without_dot(url.host_str()?)).then(|| host.to_owned())
}

#[derive(Debug, thiserror::Error)]
#[error("it resolves to a non-public address")]
pub(super) struct NotPublic;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let is_proxy = self.proxy.as_deref().is_some_and(|proxy| proxy.eq_ignore_ascii_case(name.as_str()));
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let found = look_up(&name)?;
            if !is_proxy && found.iter().any(|address| !is_public(address.ip())) {
                return Err(NotPublic.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F-SSRF
    #[test]
    fn only_the_proxy_of_the_very_request_may_be_private() {
        let for_http = Matcher::builder().http("http://proxy.corp:3128").build();
        let for_both = Matcher::builder().all("http://Proxy.Corp:3128").no("internal.example").build();
        for (name, matcher, url, want) in [
            ("the proxy of another scheme", &for_http, "https://as.example/", None),
            ("the proxy's own host, directly", &for_http, "https://proxy.corp/", None),
            ("an exception", &for_both, "https://internal.example/", None),
            ("proxied", &for_both, "https://as.example/", Some("proxy.corp")),
            ("the proxy's own host, through it", &for_both, "https://proxy.corp/", None),
            ("the same with a final dot", &for_both, "https://PROXY.corp.:8443/", None),
        ] {
            let found = chosen_proxy(matcher, &url.parse().unwrap());
            assert_eq!(found.map(|host| host.to_ascii_lowercase()).as_deref(), want, "{name}");
        }
    }
}
