//! The server.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::certificates::Authority;
use super::message::{Reply, Request};
use super::wire::{Stream, read_request, send};

pub(super) type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// How a server receives bytes.
#[derive(Clone)]
pub(super) enum Wire {
    Plain,
    Tls(Arc<rustls::ServerConfig>),
    Proxy(Arc<Authority>),
}

/// A server on a free loopback port. It stops when it is dropped.
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

    /// A TLS server.
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

    /// Counts the requests that match, from any thread.
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

pub(super) fn serve(
    scheme: &'static str,
    mut stream: impl Stream,
    log: &Mutex<Vec<Request>>,
    handler: &Handler,
) {
    let Some(mut request) = read_request(&mut stream) else { return };
    request.scheme = scheme;
    log.lock().unwrap().push(request.clone());
    let reply = handler(&request);
    send(&mut stream, reply);
}
