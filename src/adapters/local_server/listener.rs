//! Listens, and accepts connections.

use std::io;
use std::net::SocketAddr;

#[cfg(unix)]
use crate::adapters::local_server::socket_file::SocketFile;
use crate::adapters::local_server::timeouts::Stream;
use crate::adapters::peer;
use crate::ports::peer::Peer;

pub(super) enum Listener {
    #[cfg(unix)]
    Socket(std::os::unix::net::UnixListener, SocketFile),
    Loopback {
        listener: std::net::TcpListener,
        identify: bool,
    },
}

/// Accepts a connection, and returns whether it is known to be this user's. Another user's connection to a socket is
/// closed without a response.
pub(super) async fn accept(listener: &AsyncListener) -> io::Result<(Box<dyn Stream>, bool)> {
    loop {
        match listener {
            #[cfg(unix)]
            AsyncListener::Socket(listener, _) => {
                let (stream, _) = listener.accept().await?;
                if stream.peer_cred().is_ok_and(|peer| peer::may_ask(peer.uid())) {
                    return Ok((Box::new(stream), true));
                }
            }
            AsyncListener::Loopback { listener, address, identify } => {
                let (stream, other) = listener.accept().await?;
                let _ = stream.set_nodelay(true);
                let is_own_user = *identify && peer::user(other, *address) == Peer::Own;
                return Ok((Box::new(stream), is_own_user));
            }
        }
    }
}

pub(super) enum AsyncListener {
    #[cfg(unix)]
    Socket(tokio::net::UnixListener, #[expect(dead_code, reason = "dropped with it")] SocketFile),
    Loopback {
        listener: tokio::net::TcpListener,
        address: SocketAddr,
        identify: bool,
    },
}

impl Listener {
    pub(super) fn into_async(self) -> io::Result<AsyncListener> {
        Ok(match self {
            #[cfg(unix)]
            Self::Socket(listener, file) => {
                AsyncListener::Socket(tokio::net::UnixListener::from_std(listener)?, file)
            }
            Self::Loopback { listener, identify } => {
                let address = listener.local_addr()?;
                let listener = tokio::net::TcpListener::from_std(listener)?;
                AsyncListener::Loopback { listener, address, identify }
            }
        })
    }
}
