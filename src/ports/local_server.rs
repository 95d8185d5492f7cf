//! A small HTTP server on this machine: its requests and how they are answered. `adapters/local_server/` implements it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use url::Url;

use crate::advice::{Advise, Status};
use crate::ports::http::HttpError;
use crate::ports::http_message::HttpResponse;
use crate::ports::signals::Held;
use crate::ports::transport::Transport;
use crate::secret::SecretText;
use crate::text::untrusted::escaped;
use crate::token::HeaderLine;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// A Unix socket, which only this user may connect to.
    Socket(PathBuf),
    /// A loopback address; port 0 means any free port.
    Loopback {
        address: SocketAddr,
        /// Look up the user at the other end of each connection.
        identify: bool,
    },
}

/// The address that a server listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Socket(PathBuf),
    /// With the actual port.
    Loopback(SocketAddr),
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(formatter, "{}", escaped(&path.display().to_string())),
            Self::Loopback(address) => write!(formatter, "http://{address}"),
        }
    }
}

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("another server listens on {0}")]
    Taken(Address),
    /// Another server holds the socket's lock, although it does not answer on the socket.
    #[error("another `authctl serve` holds {lock}: it is starting on {address}, or its socket was removed")]
    Locked { address: Address, lock: String },
    /// The file is not one of authctl's sockets, so it is neither followed nor removed.
    #[error("{path} {problem}")]
    NotASocket { path: String, problem: String },
    /// This platform does not support it.
    #[error("{0}")]
    NotOffered(&'static str),
    #[error("cannot listen on {address}: {source}")]
    Io { address: Address, source: io::Error },
}

impl Advise for ServeError {
    fn status(&self) -> Status {
        Status::Failed
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Taken(_) | Self::NotASocket { .. } => "choose another address with --socket or --listen",
            Self::Locked { .. } => "stop the other `authctl serve`, or choose another socket with --socket",
            Self::NotOffered(_) | Self::Io { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

pub trait LocalServer: Send + Sync {
    /// Binds the address. Clients that connect from now on wait until the server runs.
    fn bind(&self, listen: &Listen) -> Result<Box<dyn Bound>, ServeError>;
}

/// A server that is bound to its address. Dropping it releases the address and removes a socket.
pub trait Bound {
    fn address(&self) -> &Address;

    /// Serves until a signal arrives, then gives requests in progress a few seconds to finish.
    fn run(self: Box<Self>, service: Arc<dyn Service>, held: &dyn Held) -> Result<(), ServeError>;
}

/// Answers a server's requests. All of its threads share it.
pub trait Service: Send + Sync {
    /// Rejects a request by its head alone; it must not wait for anything.
    fn refuse(&self, asked: &RequestHead) -> Option<Reply>;

    /// Decides how to handle a request, which may wait for the network and for locks. `None` if a retry would not change
    /// anything.
    fn answer(&self, asked: &RequestHead, attempt: &Attempt) -> Option<Action>;

    /// Checks the response to a forwarded request before it is passed on: returns why the request may be retried.
    fn rejection(&self, _: &HttpResponse) -> Option<Rejection> {
        None
    }

    /// The reply if there is no other, for example because the server is overloaded or the upstream server unreachable.
    fn failure(&self, failure: &Failure) -> Reply;
}

/// Why the upstream server rejected a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// It requires a proof with its nonce (RFC 9449 section 9).
    Nonce,
    /// It does not accept the credential.
    Credential,
}

#[derive(Debug, Clone)]
pub enum Attempt {
    First,
    /// The upstream server rejected this credential.
    Retry(Rejection, SecretText),
}

/// A failure of the server itself.
#[derive(Debug)]
pub enum Failure {
    Overloaded,
    Ending,
    Broken,
    /// The forwarded request got no response.
    NotForwarded(HttpError),
    /// The upstream response cannot be passed on.
    Unusable(&'static str),
}

/// A request without its body.
#[derive(Debug, Clone)]
pub struct RequestHead {
    pub method: String,
    /// Its path and query as they were sent.
    pub target: String,
    /// The host and port of a target in absolute form.
    pub authority: Option<String>,
    /// Its headers, with names in lower case; those that are not text are left out.
    pub headers: Vec<(String, SecretText)>,
    pub has_body: bool,
    /// Whether the client is one of this user's processes, according to the kernel.
    pub is_own_user: bool,
}

impl RequestHead {
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(header, _)| header == name).map(|(_, value)| value.expose())
    }

    /// The header of this name, if it was sent exactly once.
    pub fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        let mut values = self.headers(name);
        values.next().filter(|_| values.next().is_none())
    }
}

/// How to handle a request.
#[derive(Debug)]
pub enum Action {
    Reply(Reply),
    /// ForwardTarget it, and answer with the response.
    Forward(Box<ForwardTarget>),
}

#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: SecretText,
}

/// Where and how to forward a request. Its method, body and other headers do not change.
#[derive(Debug)]
pub struct ForwardTarget {
    pub url: Url,
    /// The headers to set.
    pub headers: Vec<HeaderLine>,
    /// The credential in them, which the service gets back if the upstream server rejects it.
    pub credential: SecretText,
    pub transport: Transport,
}
