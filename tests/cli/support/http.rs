//! A small HTTP server and client over plain sockets, so that every fault can be made by hand.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    /// `http` or `https`.
    pub scheme: &'static str,
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    pub fn query(&self) -> Vec<(String, String)> {
        pairs(self.target.split_once('?').map_or("", |(_, query)| query))
    }

    pub fn form(&self) -> Vec<(String, String)> {
        pairs(&self.body)
    }

    pub fn parameter(&self, name: &str) -> Option<String> {
        self.query()
            .into_iter()
            .chain(self.form())
            .find(|(present, _)| present == name)
            .map(|(_, value)| value)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

fn pairs(text: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    Full {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// Bytes as they are, then the end.
    Raw(Vec<u8>),
    /// The end at once.
    Drop,
    /// These bytes, one every so often, for ever.
    Drip(Vec<u8>, Duration),
    /// Another reply, after a while.
    After(Duration, Box<Reply>),
}

impl Reply {
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::full(status, &[("content-type", "application/json")], value.to_string())
    }

    pub fn full(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self::Full { status, headers, body: body.into() }
    }

    pub fn redirect(status: u16, location: &str) -> Self {
        Self::full(status, &[("location", location)], "")
    }
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// How bytes come to a server.
#[derive(Clone)]
enum Wire {
    Plain,
    Tls(Arc<rustls::ServerConfig>),
    Proxy(Arc<Authority>),
}

/// A server on a free loopback port. It ends when it is dropped.
pub struct Server {
    address: SocketAddr,
    log: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(Wire::Plain, handler)
    }

    /// A proxy that plays the whole internet: it answers for every host itself, over TLS, with certificates of the authority
    /// whose own certificate is returned.
    pub fn start_internet(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (Self, String) {
        let authority = Authority::new();
        let pem = authority.pem.clone();
        (Self::start_with(Wire::Proxy(Arc::new(authority)), handler), pem)
    }

    /// A server over TLS.
    pub fn start_tls(
        tls: Arc<rustls::ServerConfig>,
        handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(Wire::Tls(tls), handler)
    }

    fn start_with(wire: Wire, handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (log, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let handler: Arc<Handler> = Arc::new(handler);
        let thread = std::thread::spawn({
            let (log, stop) = (Arc::clone(&log), Arc::clone(&stop));
            move || {
                for stream in listener.incoming() {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    let (log, handler, wire) = (Arc::clone(&log), Arc::clone(&handler), wire.clone());
                    let Ok(mut stream) = stream else { return };
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
                    std::thread::spawn(move || {
                        let tls = match wire {
                            Wire::Plain => return serve("http", stream, &log, &*handler),
                            Wire::Tls(tls) => tls,
                            Wire::Proxy(authority) => {
                                let Some(tls) = authority.connected(&mut stream) else { return };
                                tls
                            }
                        };
                        let session = rustls::ServerConnection::new(tls).unwrap();
                        serve("https", rustls::StreamOwned::new(session, stream), &log, &*handler);
                    });
                }
            }
        });
        Self { address, log, stop, thread: Some(thread) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Counts the requests that a test picks, from whatever thread.
    pub fn counter(
        &self,
        picked: impl Fn(&Request) -> bool + Send + 'static,
    ) -> impl Fn() -> usize + Send + 'static {
        let log = Arc::clone(&self.log);
        move || log.lock().unwrap().iter().filter(|request| picked(request)).count()
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A plain or an encrypted stream.
trait Stream: std::io::Read + std::io::Write {}
impl<T: std::io::Read + std::io::Write> Stream for T {}

fn serve(scheme: &'static str, mut stream: impl Stream, log: &Mutex<Vec<Request>>, handler: &Handler) {
    let Some(mut request) = read_request(&mut stream) else { return };
    request.scheme = scheme;
    log.lock().unwrap().push(request.clone());
    let reply = handler(&request);
    send(&mut stream, reply);
}

fn send(stream: &mut impl Stream, reply: Reply) {
    match reply {
        Reply::Drop => {}
        Reply::After(pause, reply) => {
            std::thread::sleep(pause);
            send(stream, *reply);
        }
        Reply::Raw(bytes) => drop(stream.write_all(&bytes)),
        Reply::Drip(bytes, pause) => {
            for byte in bytes.into_iter().chain(std::iter::repeat(b' ')) {
                if stream.write_all(&[byte]).is_err() {
                    return;
                }
                std::thread::sleep(pause);
            }
        }
        Reply::Full { status, headers, body } => {
            let mut head =
                format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            head.push_str("\r\n");
            let _ = stream.write_all(&[head.as_bytes(), &body].concat());
        }
    }
}

fn read_request(stream: &mut impl Stream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 8192];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        let count = stream.read(&mut buffer).ok().filter(|&count| count > 0)?;
        bytes.extend_from_slice(&buffer[..count]);
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = bytes[end + 4..].to_vec();
    while body.len() < length.unwrap_or(0) {
        let count = stream.read(&mut buffer).ok().filter(|&count| count > 0)?;
        body.extend_from_slice(&buffer[..count]);
    }
    Some(Request {
        scheme: "http",
        method,
        target,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

/// Sends bytes to an address and reads until the end: the status, and everything.
pub fn exchange(address: SocketAddr, request: &[u8]) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    stream.write_all(request).ok()?;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1)?.parse().ok()?;
    Some((status, text))
}

/// A GET as a browser's navigation makes it.
pub fn get(url: &url::Url) -> Option<(u16, String)> {
    let address = url.socket_addrs(|| None).ok()?.into_iter().next()?;
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let host = format!("{}:{}", url.host_str()?, url.port()?);
    let request = format!(
        "GET {}{query} HTTP/1.1\r\nHost: {host}\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\n\r\n",
        url.path()
    );
    exchange(address, request.as_bytes())
}

/// The `Location` of an answer.
pub fn location(answer: &str) -> Option<url::Url> {
    let line = answer.lines().find(|line| line.to_ascii_lowercase().starts_with("location:"))?;
    url::Url::parse(line.split_once(':')?.1.trim()).ok()
}

/// A certificate authority, and a server's certificate by it for 127.0.0.1.
pub fn certificates() -> (String, Arc<rustls::ServerConfig>) {
    let authority = Authority::new();
    let tls = authority.server(&["127.0.0.1", "localhost"]);
    (authority.pem, tls)
}

/// A certificate authority.
struct Authority {
    pem: String,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "authctl tests");
        let pem = parameters.self_signed(&key).unwrap().pem();
        Self { pem, issuer: rcgen::Issuer::new(parameters, key) }
    }

    /// A server of these names.
    fn server(&self, names: &[&str]) -> Arc<rustls::ServerConfig> {
        let key = rcgen::KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let certificate =
            rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        Arc::new(config)
    }

    /// Takes a proxy's CONNECT: the server of the host that it names.
    fn connected(&self, stream: &mut TcpStream) -> Option<Arc<rustls::ServerConfig>> {
        let request = read_request(stream).filter(|request| request.method == "CONNECT")?;
        let (host, _) = request.target.rsplit_once(':')?;
        stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").ok()?;
        Some(self.server(&[host]))
    }
}
