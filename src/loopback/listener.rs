//! The sockets that the browser returns to.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use url::Url;

use crate::loopback::error::LoopbackError;
use crate::loopback::one_time_link::OneTimeLink;
use crate::loopback::redirect_uri::RedirectUri;
use crate::ports::Random;

/// A listener on a loopback address. One wait consumes it.
#[derive(Debug)]
pub struct Listener {
    pub(super) sockets: Vec<TcpListener>,
    redirect_uri: Url,
}

impl Listener {
    /// Listens on the loopback interface only (RFC 8252 section 8.3): for `localhost` on IPv4 and IPv6, because the
    /// browser may use either (F-CB15); for 127.0.0.1 on `::1` if the machine has no IPv4 and any port will do.
    pub fn bind(uri: &RedirectUri) -> Result<Self, LoopbackError> {
        let v4 = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let v6 = IpAddr::V6(Ipv6Addr::LOCALHOST);
        let (sockets, host) = match uri.host.as_str() {
            "localhost" => (bind_both(v4, v6, uri.port)?, "localhost"),
            "[::1]" => (vec![listen(v6, uri.port)?], "[::1]"),
            _ => match listen(v4, uri.port) {
                Err(LoopbackError::Bind { source, .. })
                    if uri.port == 0 && source.kind() == io::ErrorKind::AddrNotAvailable =>
                {
                    (vec![listen(v6, 0)?], "[::1]")
                }
                socket => (vec![socket?], "127.0.0.1"),
            },
        };
        let port = sockets[0].local_addr().map_err(|source| bind_error(v4, uri.port, source))?.port();
        let text = format!("http://{host}:{port}{}", uri.path);
        let invalid = || bind_error(v4, port, io::Error::from(io::ErrorKind::InvalidInput));
        let redirect_uri = Url::parse(&text).map_err(|_| invalid())?;
        Ok(Self { sockets, redirect_uri })
    }

    pub fn redirect_uri(&self) -> &Url {
        &self.redirect_uri
    }

    /// A link on this listener that redirects the browser to `target`.
    pub fn link_to(&self, target: &Url, random: &dyn Random) -> OneTimeLink {
        OneTimeLink::new(&self.redirect_uri, target, random)
    }
}

fn bind_error(address: IpAddr, port: u16, source: io::Error) -> LoopbackError {
    LoopbackError::Bind { address: SocketAddr::new(address, port).to_string(), source }
}

/// Listens without `SO_REUSEADDR`, so that authctl never shares a port with another program (F-CB14).
fn listen(address: IpAddr, port: u16) -> Result<TcpListener, LoopbackError> {
    let failed = |source| bind_error(address, port, source);
    let listener = TcpListener::bind((address, port)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

/// Listens on one port on IPv4 and IPv6. On a machine without IPv6, no other program can listen on `::1` either.
fn bind_both(v4: IpAddr, v6: IpAddr, port: u16) -> Result<Vec<TcpListener>, LoopbackError> {
    for _ in 0..16 {
        let first = listen(v4, port)?;
        let chosen = first.local_addr().map_err(|source| bind_error(v4, port, source))?.port();
        match listen(v6, chosen) {
            Ok(second) => return Ok(vec![first, second]),
            Err(LoopbackError::Bind { source, .. })
                if matches!(source.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported) =>
            {
                return Ok(vec![first]);
            }
            Err(error) if port != 0 => return Err(error),
            Err(_) => {}
        }
    }
    Err(bind_error(v6, port, io::Error::from(io::ErrorKind::AddrInUse)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listener_binds_loopback_only_f_cb1() {
        for uri in ["http://127.0.0.1/callback", "http://localhost/callback"] {
            let listener = Listener::bind(&uri.parse().unwrap()).unwrap();
            for socket in &listener.sockets {
                assert!(socket.local_addr().unwrap().ip().is_loopback(), "{uri}");
                assert_eq!(Some(socket.local_addr().unwrap().port()), listener.redirect_uri.port());
            }
        }
    }

    #[test]
    fn a_port_that_is_taken_is_an_error_f_cb14() {
        let first = Listener::bind(&RedirectUri::default()).unwrap();
        let again = format!("http://127.0.0.1:{}/callback", first.redirect_uri.port().unwrap());
        assert!(matches!(Listener::bind(&again.parse().unwrap()), Err(LoopbackError::Bind { .. })));
    }
}
