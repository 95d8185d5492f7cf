//! The network, by reqwest and rustls on ring.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::io::Read as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::blocking::{Client, Response};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::CertificateError;
use zeroize::Zeroizing;

use crate::oauth::address::is_public;
use crate::oauth::endpoint::authority;
use crate::os::open_files;
use crate::ports::{
    CertificateFlaw, HttpClient, HttpError, HttpRequest, HttpResponse, Method, PartialAnswer, Reach,
    Transport,
};
use crate::secret;
use crate::text::untrusted::escaped;

/// The most bytes of an answer that are read (F-SIZE).
const LARGEST_BODY: usize = 1 << 20;
/// What a client opens before its first connection, and for it.
const FILES_OF_CLIENT: usize = 6;
/// The most bytes of a certificate file.
const LARGEST_CA_FILE: u64 = 4 << 20;
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An HTTP client that is built when it is first needed: building one loads the certificate authorities.
#[derive(Default)]
pub struct Http {
    clients: Mutex<HashMap<Kind, Client>>,
}

/// What tells clients apart.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    transport: Transport,
    direct: bool,
    lookups: Lookups,
}

/// Which addresses a name may resolve to.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Lookups {
    /// Any: the user's configuration names the server.
    Any,
    /// Public ones. The user names the proxy, if there is one, so its name may resolve to any address.
    Public { proxy: Option<String> },
}

impl Kind {
    pub(super) fn of(transport: &Transport, reach: Reach, url: &url::Url) -> Self {
        let direct = is_loopback(url);
        let lookups = match reach {
            Reach::Configured => Lookups::Any,
            Reach::Discovered if direct => Lookups::Public { proxy: None },
            Reach::Discovered => Lookups::Public { proxy: proxy_name(transport.proxy.as_deref(), url) },
        };
        Self { transport: transport.clone(), direct, lookups }
    }

    /// What is said when no client can be built.
    pub(super) fn unusable(&self, error: reqwest::Error) -> HttpError {
        let what = match self.transport.identity {
            Some(_) => "the client certificate and its key cannot be used",
            None => "the network cannot be used",
        };
        setup(what, &reason(&error.without_url()))
    }
}

fn setup(what: &str, error: &dyn std::fmt::Display) -> HttpError {
    HttpError::Setup(format!("{what}: {}", escaped(&error.to_string())))
}

impl HttpClient for Http {
    fn send(&self, request: &HttpRequest) -> Result<HttpResponse, HttpError> {
        let host = authority(&request.url);
        let client = self.client(request)?;
        #[expect(clippy::disallowed_methods, reason = "the deadline of an exchange")]
        let deadline = Instant::now() + request.transport.timeout;
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut builder = client.request(method, request.url.clone());
        for (name, value) in &request.headers {
            let mut value = reqwest::header::HeaderValue::from_str(value.expose()).map_err(|_| {
                HttpError::Setup(format!("the header {name} has a character that no header can have"))
            })?;
            value.set_sensitive(true);
            builder = builder.header(*name, value);
        }
        if let Some((content_type, body)) = &request.body {
            builder = builder.header("content-type", *content_type).body(body.expose().to_owned());
        }
        let response = builder.send().map_err(|error| failure(&host, error))?;
        read(response, &host, deadline)
    }
}

impl Http {
    fn clients(&self) -> MutexGuard<'_, HashMap<Kind, Client>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn client(&self, request: &HttpRequest) -> Result<Client, HttpError> {
        // No lookup is made for an address, so it is checked here. A proxy would connect to it for us.
        if request.reach == Reach::Discovered
            && address(&request.url).is_some_and(|address| !is_public(address))
        {
            return Err(HttpError::NotPublic { host: authority(&request.url) });
        }
        let kind = Kind::of(&request.transport, request.reach, &request.url);
        if let Some(client) = self.clients().get(&kind) {
            return Ok(client.clone());
        }
        let client = build(&kind)?;
        self.clients().insert(kind, client.clone());
        Ok(client)
    }
}

pub(super) fn is_loopback(url: &url::Url) -> bool {
    address(url).map_or_else(|| url.host_str() == Some("localhost"), |address| address.is_loopback())
}

/// The host of a URL, if it is an address and not a name.
fn address(url: &url::Url) -> Option<IpAddr> {
    match url.host()? {
        url::Host::Ipv4(address) => Some(address.into()),
        url::Host::Ipv6(address) => Some(address.into()),
        url::Host::Domain(_) => None,
    }
}

fn build(kind: &Kind) -> Result<Client, HttpError> {
    // A connection that the server has closed meanwhile would make it unclear whether a request was sent.
    let mut builder = builder(kind)?.pool_max_idle_per_host(0);
    if kind.lookups == Lookups::Any {
        builder = builder.dns_resolver(std::sync::Arc::new(AnyAddress));
    }
    blocking(builder, kind.transport.timeout).map_err(|error| kind.unusable(error))
}

/// A client whose timeout covers the whole exchange, including the last byte. The blocking client restarts its own timeout
/// with every part; the timeout of the client beneath it does not restart.
pub(super) fn blocking(builder: reqwest::ClientBuilder, timeout: Duration) -> reqwest::Result<Client> {
    reqwest::blocking::ClientBuilder::from(builder.timeout(timeout)).timeout(timeout).build()
}

/// Sets up a client, so far without limits of time and of connections kept.
pub(super) fn builder(kind: &Kind) -> Result<reqwest::ClientBuilder, HttpError> {
    // Another part of the process may have been first; ring is the only provider that is linked.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = started(&kind.transport, kind.direct)?;
    if let Some(path) = &kind.transport.ca_file {
        let place = format!("the certificate file {} cannot be used", path.display());
        let pem =
            crate::os::text_file::read_text(path, LARGEST_CA_FILE).map_err(|error| setup(&place, &error))?;
        let certificates =
            reqwest::Certificate::from_pem_bundle(pem.as_bytes()).map_err(|error| setup(&place, &error))?;
        if certificates.is_empty() {
            return Err(setup(&place, &"it has no certificate in PEM"));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    if let Some(identity) = &kind.transport.identity {
        let identity = reqwest::Identity::from_pem(identity.pem.expose().as_bytes())
            .map_err(|error| setup("the client certificate and its key cannot be used", &reason(&error)))?;
        builder = builder.identity(identity);
    }
    if let Lookups::Public { proxy } = &kind.lookups {
        builder = builder.dns_resolver(std::sync::Arc::new(PublicOnly { proxy: proxy.clone() }));
    }
    Ok(builder)
}

/// A client to be, with its proxy, so far without limits of time and of connections kept.
pub(super) fn started(transport: &Transport, direct: bool) -> Result<reqwest::ClientBuilder, HttpError> {
    open_files::check_free(FILES_OF_CLIENT).map_err(|error| setup("the network cannot be used", &error))?;
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("authctl/", env!("CARGO_PKG_VERSION")))
        // A redirect could carry a secret elsewhere, and a repeated request could use a single-use token twice.
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT);
    if direct {
        builder = builder.no_proxy();
    } else if let Some(proxy) = &transport.proxy {
        let proxy = reqwest::Proxy::all(proxy)
            .map_err(|error| setup("the proxy cannot be used", &error.without_url()))?;
        builder = builder.no_proxy().proxy(proxy);
    }
    Ok(builder)
}

/// Resolves names on the client's own thread. Its usual resolver starts further ones, and panics when the system allows no
/// more. The client sends one request at a time and its caller watches the clock: blocking here holds nobody else up.
pub(super) struct AnyAddress;

impl Resolve for AnyAddress {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move { Ok(Box::new(look_up(name.as_str())?.into_iter()) as Addrs) })
    }
}

fn look_up(name: &str) -> std::io::Result<Vec<SocketAddr>> {
    Ok(std::net::ToSocketAddrs::to_socket_addrs(&(name, 0))?.collect())
}

/// Resolves names to public addresses alone. The address that is connected to is one that was checked, so that a name
/// cannot be bound anew in between (F-SSRF).
struct PublicOnly {
    /// The proxy that the request goes through: it may be on a private network. What a proxy looks up and connects to
    /// cannot be seen from here.
    proxy: Option<String>,
}

/// The host name of the proxy that a request for this URL goes through, chosen as reqwest chooses it. `None` if there is no
/// proxy, or if the URL names the proxy's own host: the proxy would connect to itself, inside the private network.
fn proxy_name(configured: Option<&str>, url: &url::Url) -> Option<String> {
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

/// A name that resolves to an address that is not public.
#[derive(Debug, thiserror::Error)]
#[error("it resolves to an address that is not public")]
struct NotPublic;

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

/// Reads the body within the limits of size and of time for the whole exchange. It starts no thread, because a failure to
/// start one would lose the tokens in the answer.
fn read(mut response: Response, host: &str, deadline: Instant) -> Result<HttpResponse, HttpError> {
    let status = response.status().as_u16();
    let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: Vec<_> =
        response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let mut body = Zeroizing::new(Vec::new());
    let mut part = Zeroizing::new([0; 16 << 10]);
    let (host, limit) = (host.to_owned(), LARGEST_BODY);
    let partial = |body| Some(Box::new(PartialAnswer(HttpResponse { status, headers: Vec::new(), body })));
    let reason = loop {
        let read = response.read(&mut *part);
        #[expect(clippy::disallowed_methods, reason = "the deadline of an exchange")]
        let is_late = Instant::now() >= deadline;
        match read {
            Ok(0) => return Ok(HttpResponse { status, headers, body }),
            Ok(_) if is_late => break "it took too long",
            Ok(count) if body.len() + count > LARGEST_BODY => {
                return Err(HttpError::TooLarge { host, limit, partial: partial(body) });
            }
            Ok(count) => secret::append(&mut body, &part[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) if is_late || is_timeout(&error) => break "it took too long",
            Err(_) => break "the connection broke",
        }
    };
    Err(HttpError::AnswerLost { host, reason: reason.to_owned(), partial: partial(body) })
}

/// Whether a part of an answer did not come in time.
fn is_timeout(error: &std::io::Error) -> bool {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<reqwest::Error>());
    error.kind() == std::io::ErrorKind::TimedOut || cause.is_some_and(reqwest::Error::is_timeout)
}

/// Tells what was not sent from what may have been.
pub(super) fn failure(host: &str, error: reqwest::Error) -> HttpError {
    let error = error.without_url();
    let mut source: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(cause) = source {
        if cause.is::<NotPublic>() {
            return HttpError::NotPublic { host: host.to_owned() };
        }
        source = cause.source();
    }
    let host = host.to_owned();
    if error.is_builder() {
        HttpError::Setup(reason(&error))
    } else if let Some(flaw) = certificate_flaw(&error) {
        HttpError::Untrusted { host, flaw, reason: reason(&error) }
    } else if error.is_connect() {
        HttpError::NotSent { host, reason: reason(&error) }
    } else if error.is_timeout() {
        HttpError::AnswerLost { host, reason: "it took too long".to_owned(), partial: None }
    } else {
        HttpError::AnswerLost { host, reason: reason(&error), partial: None }
    }
}

/// What is wrong with the server's certificate, where that is why the request failed. An `io::Error` passes over what it
/// wraps when it is asked for its source.
fn certificate_flaw(error: &(dyn StdError + 'static)) -> Option<CertificateFlaw> {
    if let Some(of_tls) = error.downcast_ref::<rustls::Error>() {
        let rustls::Error::InvalidCertificate(error) = of_tls else { return None };
        return Some(match error {
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                CertificateFlaw::NotYetValid
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                CertificateFlaw::OtherName
            }
            _ => CertificateFlaw::Other,
        });
    }
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    wrapped
        .and_then(|wrapped| certificate_flaw(wrapped))
        .or_else(|| error.source().and_then(certificate_flaw))
}

/// The innermost cause, which says most: reqwest's own text only says that something failed.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn StdError = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    escaped(&cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A listener on a loopback address, which stands for any private one.
    struct Private(std::net::TcpListener);

    impl Private {
        fn listen() -> Self {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            Self(listener)
        }

        fn port(&self) -> u16 {
            self.0.local_addr().unwrap().port()
        }

        fn was_connected_to(&self) -> bool {
            self.0.accept().is_ok()
        }
    }

    fn send(reach: Reach, url: &str, proxy: Option<String>) -> Result<HttpResponse, HttpError> {
        Http::default().send(&HttpRequest {
            method: Method::Get,
            url: url.parse().unwrap(),
            reach,
            headers: Vec::new(),
            body: None,
            transport: Transport { timeout: Duration::from_millis(300), proxy, ..Transport::default() },
        })
    }

    #[test]
    fn a_name_that_resolves_to_a_private_address_is_not_connected_to_f_ssrf() {
        let server = Private::listen();
        let url = format!("http://localhost:{}/", server.port());
        let discovered = send(Reach::Discovered, &url, None);
        assert!(matches!(discovered, Err(HttpError::NotPublic { .. })), "{discovered:?}");
        assert!(!server.was_connected_to());
        // The configuration may name it: there the same request goes out.
        let configured = send(Reach::Configured, &url, None);
        assert!(matches!(configured, Err(HttpError::AnswerLost { .. })), "{configured:?}");
        assert!(server.was_connected_to());
    }

    /// F-SSRF
    #[test]
    fn a_private_proxy_is_used_but_nothing_else_at_its_name() {
        let proxy = Private::listen();
        let address = format!("http://localhost:{}", proxy.port());
        let elsewhere = send(Reach::Discovered, "https://as.example/", Some(address.clone()));
        assert!(
            matches!(elsewhere, Err(HttpError::NotSent { .. } | HttpError::AnswerLost { .. })),
            "{elsewhere:?}"
        );
        assert!(proxy.was_connected_to(), "{elsewhere:?}");
        let itself =
            send(Reach::Discovered, &format!("https://localhost:{}/", proxy.port()), Some(address.clone()));
        assert!(matches!(itself, Err(HttpError::NotPublic { .. })), "{itself:?}");
        for url in ["https://10.0.0.1/", "https://[fd00::1]/", "https://[::ffff:169.254.169.254]/"] {
            for proxy in [Some(address.clone()), None] {
                let literal = send(Reach::Discovered, url, proxy);
                assert!(matches!(literal, Err(HttpError::NotPublic { .. })), "{url}: {literal:?}");
            }
        }
        assert!(!proxy.was_connected_to());
    }

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

    /// Neither a server that drips nor one that stops in the middle can prolong an exchange.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the time of an exchange is measured")]
    fn a_response_that_stalls_midway_times_out_f_size() {
        use std::io::Write as _;
        let timeout = Duration::from_millis(400);
        for (name, parts, pause) in [("drips", 100, 50), ("stops", 3, 100), ("stops at once", 0, 0)] {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
            let server = crate::os::threads::start("server", move || {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
                for _ in 0..parts {
                    std::thread::sleep(Duration::from_millis(pause));
                    let _ = stream.write_all(b"x");
                }
                let _ = std::io::copy(&mut stream, &mut std::io::sink());
            });
            let request = HttpRequest {
                method: Method::Get,
                url,
                reach: Reach::Configured,
                headers: Vec::new(),
                body: None,
                transport: Transport { timeout, ..Transport::default() },
            };
            let begun = Instant::now();
            let lost = Http::default().send(&request);
            assert!(
                matches!(&lost, Err(HttpError::AnswerLost { reason, .. }) if reason == "it took too long"),
                "{name}: {lost:?}"
            );
            let taken = begun.elapsed();
            assert!(
                taken >= timeout / 2 && taken < timeout + Duration::from_millis(250),
                "{name}: {taken:?}"
            );
            server.unwrap().join().unwrap();
        }
    }
}
