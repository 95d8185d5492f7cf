//! The network, by reqwest and rustls on ring.

use std::cell::RefCell;
use std::collections::HashMap;
use std::error::Error as StdError;
use std::io::Read as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use reqwest::blocking::{Client, Response};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::CertificateError;
use zeroize::Zeroizing;

use crate::foreign::escaped;
use crate::oauth::address::is_public;
use crate::oauth::endpoint::authority;
use crate::ports::{
    CertificateFlaw, HttpClient, HttpError, HttpRequest, HttpResponse, Method, Reach, Transport,
};

/// The most bytes of an answer that are read (F-SIZE).
const LARGEST_BODY: usize = 1 << 20;
/// The most bytes of a certificate file.
const LARGEST_CA_FILE: u64 = 4 << 20;
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An HTTP client that is built when it is first needed: building one loads the certificate authorities.
#[derive(Default)]
pub struct Http {
    clients: RefCell<HashMap<Kind, Client>>,
}

/// What tells clients apart.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    transport: Transport,
    public_only: bool,
    direct: bool,
}

impl Kind {
    pub(super) fn of(transport: &Transport, reach: Reach, url: &url::Url) -> Self {
        Self { transport: transport.clone(), public_only: reach == Reach::Learned, direct: is_loopback(url) }
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
    fn client(&self, request: &HttpRequest) -> Result<Client, HttpError> {
        let kind = Kind::of(&request.transport, request.reach, &request.url);
        if let Some(client) = self.clients.borrow().get(&kind) {
            return Ok(client.clone());
        }
        let client = build(&kind)?;
        self.clients.borrow_mut().insert(kind, client.clone());
        Ok(client)
    }
}

pub(super) fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn build(kind: &Kind) -> Result<Client, HttpError> {
    // A connection that the server has closed meanwhile would make it unclear whether a request was sent.
    let mut builder = builder(kind)?.pool_max_idle_per_host(0);
    if !kind.public_only {
        builder = builder.dns_resolver(std::sync::Arc::new(AnyAddress));
    }
    blocking(builder, kind.transport.timeout).map_err(|error| kind.unusable(error))
}

/// A client whose every exchange ends in time, the last byte of the answer included: the blocking client's own timeout
/// starts again with every part, the one beneath it does not.
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
        let pem = crate::ports::read_text(path, LARGEST_CA_FILE).map_err(|error| setup(&place, &error))?;
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
    if kind.public_only {
        let proxies = proxy_hosts(kind.transport.proxy.as_deref());
        builder = builder.dns_resolver(std::sync::Arc::new(PublicOnly { proxies }));
    }
    Ok(builder)
}

/// A client to be, with its proxy, so far without limits of time and of connections kept.
pub(super) fn started(transport: &Transport, direct: bool) -> Result<reqwest::ClientBuilder, HttpError> {
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
    /// Proxies that the user named: they may be on a private network, and what is behind them cannot be seen from here.
    proxies: Vec<String>,
}

/// The hosts of the configured proxy and the environment's.
#[expect(clippy::disallowed_methods, reason = "the proxies of the environment are the machine's")]
fn proxy_hosts(configured: Option<&str>) -> Vec<String> {
    let names = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    let environment = names.iter().filter_map(|name| std::env::var(name).ok());
    let written = configured.map(str::to_owned).into_iter().chain(environment);
    let host = |text: String| {
        let url = url::Url::parse(&text).or_else(|_| url::Url::parse(&format!("http://{text}")));
        url.ok()?.host_str().map(str::to_owned)
    };
    written.filter_map(host).collect()
}

/// A name that resolves to an address that is not public.
#[derive(Debug, thiserror::Error)]
#[error("it resolves to an address that is not public")]
struct NotPublic;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let is_proxy = self.proxies.iter().any(|proxy| proxy == name.as_str());
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

/// Reads the body within the limits of size and of time for the whole exchange. It starts no thread: the tokens in an answer
/// must not be lost because the system allows no more of them.
fn read(mut response: Response, host: &str, deadline: Instant) -> Result<HttpResponse, HttpError> {
    let status = response.status().as_u16();
    let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers =
        response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let lost = |reason: &str| HttpError::AnswerLost { host: host.to_owned(), reason: reason.to_owned() };
    let mut body = Zeroizing::new(Vec::new());
    let mut part = Zeroizing::new([0; 16 << 10]);
    loop {
        let read = response.read(&mut *part);
        #[expect(clippy::disallowed_methods, reason = "the deadline of an exchange")]
        let is_late = Instant::now() >= deadline;
        match read {
            Ok(0) => return Ok(HttpResponse { status, headers, body }),
            Ok(_) if is_late => return Err(lost("it took too long")),
            Ok(count) if body.len() + count > LARGEST_BODY => {
                return Err(HttpError::TooLarge { host: host.to_owned(), limit: LARGEST_BODY });
            }
            Ok(count) => append(&mut body, &part[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) if is_late || is_timeout(&error) => return Err(lost("it took too long")),
            Err(_) => return Err(lost("the connection broke")),
        }
    }
}

/// Appends to bytes that may be secret: what they occupied before they grew is wiped.
pub(super) fn append(bytes: &mut Zeroizing<Vec<u8>>, more: &[u8]) {
    if bytes.capacity() < bytes.len() + more.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity((bytes.len() + more.len()) * 2));
        larger.extend_from_slice(bytes);
        *bytes = larger;
    }
    bytes.extend_from_slice(more);
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
        HttpError::AnswerLost { host, reason: "it took too long".to_owned() }
    } else {
        HttpError::AnswerLost { host, reason: reason(&error) }
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

    #[test]
    fn f_ssrf_a_name_that_resolves_to_a_private_address_is_not_connected_to() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let request = |reach| HttpRequest {
            method: Method::Get,
            url: format!("http://localhost:{port}/").parse().unwrap(),
            reach,
            headers: Vec::new(),
            body: None,
            transport: Transport { timeout: Duration::from_millis(300), ..Transport::default() },
        };
        let learned = Http::default().send(&request(Reach::Learned));
        assert!(matches!(learned, Err(HttpError::NotPublic { .. })), "{learned:?}");
        assert!(listener.accept().is_err(), "nobody connected");
        // The configuration may name it: there the same request goes out.
        let configured = Http::default().send(&request(Reach::Configured));
        assert!(matches!(configured, Err(HttpError::AnswerLost { .. })), "{configured:?}");
        assert!(listener.accept().is_ok());
    }

    /// Neither a server that drips nor one that stops in the middle can prolong an exchange.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the time of an exchange is measured")]
    fn f_size_an_exchange_ends_in_time_in_the_middle_of_an_answer() {
        use std::io::Write as _;
        let timeout = Duration::from_millis(400);
        for (name, parts, pause) in [("drips", 100, 50), ("stops", 3, 100), ("stops at once", 0, 0)] {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
            let server = crate::threads::start("server", move || {
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
