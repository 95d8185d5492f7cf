//! The port of a small HTTP server on this machine: what it is asked, and what it answers. `adapters/local_server/` is the
//! real one.

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

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// On a Unix socket, which only this user may connect to.
    Socket(PathBuf),
    /// On a loopback address; port 0 is any free one.
    Loopback {
        address: SocketAddr,
        /// Find out whose the other end of each connection is.
        identify: bool,
    },
}

/// Where is listened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Socket(PathBuf),
    /// On this address, with its true port.
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

/// Why nobody is served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another server is there.
    #[error("another server listens on {0}")]
    Taken(Address),
    /// Another server holds the socket's lock, though nobody answers on the socket.
    #[error("another `authctl serve` holds {lock}: it is starting on {address}, or its socket was removed")]
    Locked { address: Address, lock: String },
    /// What is there is none of ours: it is neither followed nor removed.
    #[error("{path} {problem}")]
    NotASocket { path: String, problem: String },
    /// This platform cannot.
    #[error("{0}")]
    NotOffered(&'static str),
    /// The system said no.
    #[error("cannot listen on {address}: {source}")]
    Io { address: Address, source: io::Error },
}

impl Advise for ServeError {
    fn status(&self) -> Status {
        Status::Failed
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Taken(_) | Self::NotASocket { .. } => "choose another place with --socket or --listen",
            Self::Locked { .. } => "end the other `authctl serve`, or choose another place with --socket",
            Self::NotOffered(_) | Self::Io { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

pub trait LocalServer: Send + Sync {
    /// Takes the address. Who connects from now on waits until the server runs.
    fn bind(&self, listen: &Listen) -> Result<Box<dyn Bound>, ServeError>;
}

/// A server that has its address. Dropping it gives the address back; a socket is removed.
pub trait Bound {
    /// Where it listens.
    fn address(&self) -> &Address;

    /// Serves until a signal comes, then lets what is under way end for a few seconds.
    ///
    /// # Errors
    /// [`ServeError`] when it cannot begin.
    fn run(self: Box<Self>, service: Arc<dyn Service>, held: &dyn Held) -> Result<(), ServeError>;
}

/// What a server serves. It is shared by all its threads.
pub trait Service: Send + Sync {
    /// Refuses what is not to be answered, by the request's head alone: it must not wait for anything.
    fn refuse(&self, asked: &Asked) -> Option<Reply>;

    /// The answer, which may wait for the network and for locks. `None` at a further attempt: nothing would be different.
    fn answer(&self, asked: &Asked, attempt: &Attempt) -> Option<Answer>;

    /// Looks at what came back for a request that was forwarded, before it is passed on: why it may be answered once
    /// more.
    fn look(&self, _: &HttpResponse) -> Option<Objection> {
        None
    }

    /// The answer when there is no other: the server is overloaded, the thread that answered it broke, what was forwarded did not arrive.
    fn failure(&self, failure: &Failure) -> Reply;
}

/// What a server beyond has against a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objection {
    /// It wants a proof with a nonce of its own (RFC 9449 section 9).
    Nonce,
    /// It takes the credential for no good one.
    Credential,
}

/// Why a request is tried.
#[derive(Debug, Clone)]
pub enum Attempt {
    First,
    /// The server beyond objected to this credential.
    Again(Objection, SecretText),
}

/// A failure of the server itself.
#[derive(Debug)]
pub enum Failure {
    Overloaded,
    Ending,
    Broken,
    /// What was forwarded was not answered.
    NotForwarded(HttpError),
    /// The server beyond answered with what cannot be passed on.
    Unusable(&'static str),
}

/// A request without its body.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    /// Its path and query as they were sent.
    pub target: String,
    /// The host and port of a target in absolute form.
    pub authority: Option<String>,
    /// Its headers, their names in lower case; those that are not text are left out.
    pub headers: Vec<(String, SecretText)>,
    /// Whether a body follows.
    pub has_body: bool,
    /// Whether the kernel says that the other end is a process of this user.
    pub is_own_user: bool,
}

impl Asked {
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// All headers of a name.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(header, _)| header == name).map(|(_, value)| value.expose())
    }

    /// The header of a name, if it was sent once.
    pub fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        let mut values = self.headers(name);
        values.next().filter(|_| values.next().is_none())
    }
}

/// What is done with a request.
#[derive(Debug)]
pub enum Answer {
    /// It is answered with this.
    Reply(Reply),
    /// It is passed on, and what comes back is the answer.
    Forward(Box<Forward>),
}

#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: SecretText,
}

/// How a request is passed on. Its own method, body and other headers are kept.
#[derive(Debug)]
pub struct Forward {
    pub url: Url,
    /// The headers that are set anew.
    pub headers: Vec<HeaderLine>,
    /// The credential in them: the handler gets it back when the server objects to it.
    pub credential: SecretText,
    pub transport: Transport,
}
