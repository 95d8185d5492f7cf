//! Facts about the machine that only `doctor` needs.

use std::net::IpAddr;
use std::time::Duration;

use url::Url;

use crate::ports::http::HttpError;
use crate::ports::transport::Transport;

pub trait Machine: Send + Sync {
    /// The DER certificates that a server presents, its own first. The handshake is aborted after that, so nothing is
    /// sent to the server.
    fn certificates(&self, url: &Url, transport: &Transport) -> Result<Vec<Vec<u8>>, HttpError>;
    /// The addresses of a host name; `None` if it has none, or the lookup takes too long.
    fn addresses(&self, name: &str, limit: Duration) -> Option<Vec<IpAddr>>;
    /// Whether a crash would write this process's memory to a file; `None` if unknown.
    fn leaves_core_files(&self) -> Option<bool>;
}
