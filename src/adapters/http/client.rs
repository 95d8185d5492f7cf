//! Builds HTTP clients.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::blocking::Client;

use crate::adapters::http::address::is_loopback;
use crate::adapters::http::failure::{reason, setup};
use crate::adapters::http::resolver::{AnyAddress, PublicOnly, proxy_name};
use crate::os::open_files;
use crate::os::text_file::read_text;
use crate::ports::{HttpError, Reach, Transport};

/// The files that a client opens before and for its first connection.
const FILES_OF_CLIENT: usize = 6;
const LARGEST_CA_FILE: u64 = 4 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Requests with the same key share a client.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct ClientKey {
    transport: Transport,
    direct: bool,
    lookups: Lookups,
}

/// Which addresses a name may resolve to.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Lookups {
    /// Any address: the user's configuration names the server.
    Any,
    /// Public addresses. The user names the proxy, if there is one, so its name may resolve to any address.
    Public { proxy: Option<String> },
}

impl ClientKey {
    pub(crate) fn of(transport: &Transport, reach: Reach, url: &url::Url) -> Self {
        let direct = is_loopback(url);
        let lookups = match reach {
            Reach::Configured => Lookups::Any,
            Reach::Discovered if direct => Lookups::Public { proxy: None },
            Reach::Discovered => Lookups::Public { proxy: proxy_name(transport.proxy.as_deref(), url) },
        };
        Self { transport: transport.clone(), direct, lookups }
    }

    /// The error if no client can be built.
    pub(crate) fn unusable(&self, error: reqwest::Error) -> HttpError {
        let what = match (&self.transport.identity, &self.transport.ca_file) {
            (Some(_), _) => "cannot use the client certificate and its key".to_owned(),
            (None, Some(path)) => unusable_file(path),
            (None, None) => "cannot use the network".to_owned(),
        };
        setup(&what, &reason(&error.without_url()))
    }
}

fn unusable_file(path: &Path) -> String {
    format!("cannot use the certificate file {}", path.display())
}

pub(super) fn build(key: &ClientKey) -> Result<Client, HttpError> {
    // With an idle connection that the server has closed, it would be unclear whether a request was sent.
    let mut builder = builder(key)?.pool_max_idle_per_host(0);
    if key.lookups == Lookups::Any {
        builder = builder.dns_resolver(Arc::new(AnyAddress));
    }
    blocking(builder, key.transport.timeout).map_err(|error| key.unusable(error))
}

/// A client whose timeout covers the whole exchange, including the last byte. The blocking client restarts its own
/// timeout with every part; the timeout of the client beneath it does not restart.
pub(crate) fn blocking(builder: reqwest::ClientBuilder, timeout: Duration) -> reqwest::Result<Client> {
    reqwest::blocking::ClientBuilder::from(builder.timeout(timeout)).timeout(timeout).build()
}

/// A builder without a time limit and without a limit on idle connections.
pub(crate) fn builder(key: &ClientKey) -> Result<reqwest::ClientBuilder, HttpError> {
    // Another part of the process may have been first; ring is the only provider that is linked.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = started(&key.transport, key.direct)?;
    if let Some(path) = &key.transport.ca_file {
        let place = unusable_file(path);
        let pem = read_text(path, LARGEST_CA_FILE).map_err(|error| setup(&place, &error))?;
        let certificates =
            reqwest::Certificate::from_pem_bundle(pem.as_bytes()).map_err(|error| setup(&place, &error))?;
        if certificates.is_empty() {
            return Err(setup(&place, &"it contains no PEM certificate"));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    if let Some(identity) = &key.transport.identity {
        let identity = reqwest::Identity::from_pem(identity.pem.expose().as_bytes())
            .map_err(|error| setup("cannot use the client certificate and its key", &reason(&error)))?;
        builder = builder.identity(identity);
    }
    if let Lookups::Public { proxy } = &key.lookups {
        builder = builder.dns_resolver(Arc::new(PublicOnly { proxy: proxy.clone() }));
    }
    Ok(builder)
}

/// A builder with the proxy, but without a time limit and a limit on idle connections.
pub(crate) fn started(transport: &Transport, direct: bool) -> Result<reqwest::ClientBuilder, HttpError> {
    open_files::check_free(FILES_OF_CLIENT).map_err(|error| setup("cannot use the network", &error))?;
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("authctl/", env!("CARGO_PKG_VERSION")))
        // A redirect could carry a secret to another host, and a retry could use a single-use token twice.
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT);
    if direct {
        builder = builder.no_proxy();
    } else if let Some(proxy) = &transport.proxy {
        let proxy = reqwest::Proxy::all(proxy)
            .map_err(|error| setup("cannot use the proxy", &error.without_url()))?;
        builder = builder.no_proxy().proxy(proxy);
    }
    Ok(builder)
}
