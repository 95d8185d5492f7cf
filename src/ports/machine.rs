//! What only a diagnosis asks of the machine.

use std::net::IpAddr;
use std::time::Duration;

use url::Url;

use crate::ports::http::HttpError;
use crate::ports::transport::Transport;

/// Tells of the machine what only a diagnosis asks.
pub trait Machine: Send + Sync {
    /// The certificates that a server shows, its own first, in DER. The handshake is broken off behind them: nothing is
    /// sent to whom they belong.
    ///
    /// # Errors
    /// [`HttpError`], when it came to no handshake.
    fn certificates(&self, url: &Url, transport: &Transport) -> Result<Vec<Vec<u8>>, HttpError>;
    /// The addresses of a name; `None` when there are none, or nobody says so in time.
    fn addresses(&self, name: &str, limit: Duration) -> Option<Vec<IpAddr>>;
    /// Whether a crash would leave this process's memory in a file; `None` where that cannot be told.
    fn leaves_core_files(&self) -> Option<bool>;
}
