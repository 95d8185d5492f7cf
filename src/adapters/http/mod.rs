//! The network, through reqwest and rustls with ring.

mod address;
mod client;
mod failure;
mod read;
mod resolver;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use reqwest::blocking::Client;

pub(super) use self::address::is_loopback;
pub(super) use self::client::{ClientKey, blocking, builder, started};
pub(super) use self::failure::failure;
pub(super) use self::resolver::AnyAddress;
use crate::oauth::address::is_public;
use crate::oauth::endpoint::authority;
use crate::ports::{HttpClient, HttpError, HttpRequest, HttpResponse, Method, Reach};

/// HTTP clients, each built when it is first needed: building one loads the certificate authorities.
#[derive(Default)]
pub struct Http {
    clients: Mutex<HashMap<ClientKey, Client>>,
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
                HttpError::Setup(format!(
                    "the header {name} contains a character that is not valid in a header"
                ))
            })?;
            value.set_sensitive(true);
            builder = builder.header(*name, value);
        }
        if let Some((content_type, body)) = &request.body {
            builder = builder.header("content-type", *content_type).body(body.expose().to_owned());
        }
        let response = builder.send().map_err(|error| failure(&host, error))?;
        read::read(response, &host, deadline)
    }
}

impl Http {
    fn clients(&self) -> MutexGuard<'_, HashMap<ClientKey, Client>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn client(&self, request: &HttpRequest) -> Result<Client, HttpError> {
        // An address needs no lookup, so it is checked here: a proxy would connect to it.
        if request.reach == Reach::Discovered
            && address::address(&request.url).is_some_and(|address| !is_public(address))
        {
            return Err(HttpError::NotPublic { host: authority(&request.url) });
        }
        let key = ClientKey::of(&request.transport, request.reach, &request.url);
        if let Some(client) = self.clients().get(&key) {
            return Ok(client.clone());
        }
        let client = client::build(&key)?;
        self.clients().insert(key, client.clone());
        Ok(client)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::time::Duration;

    use super::*;
    use crate::ports::Transport;

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
