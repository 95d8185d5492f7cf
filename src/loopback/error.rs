//! Why the browser's redirect did not arrive.

use std::io;
use std::time::Duration;

use crate::advice::{Advise, Status};

#[derive(Debug, thiserror::Error)]
pub enum LoopbackError {
    /// The port is taken, or the machine has no loopback interface. No browser was opened (F-CB14).
    #[error("cannot listen on {address} for the redirect: {source}")]
    Bind { address: String, source: io::Error },
    #[error("the browser did not return within {}", crate::text::humanize::exact(*waited))]
    TimedOut {
        /// The time limit.
        waited: Duration,
        /// The number of other requests.
        ignored: usize,
    },
    /// The one-time link was opened twice, and the system does not report which user opened it (F-CB20).
    #[error(
        "the one-time link for the browser was opened twice, and this system does not report which user opened it"
    )]
    OpenedTwice,
    /// Ctrl-C or a similar signal.
    #[error("interrupted")]
    Interrupted(i32),
}

impl Advise for LoopbackError {
    fn status(&self) -> Status {
        match self {
            Self::Interrupted(signal) => Status::Interrupted(*signal),
            Self::Bind { .. } | Self::TimedOut { .. } | Self::OpenedTwice => Status::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Bind { .. } => "stop the program that uses the port, or set `redirect_uri` to another port",
            Self::TimedOut { .. } => {
                "run the command again; use `--timeout` to allow more time, or `--no-browser` to open the URL yourself"
            }
            Self::OpenedTwice => {
                "run the command again with `--no-browser` and open the printed URL; if you did not reload the page, another user of this machine may have opened the link"
            }
            Self::Interrupted(_) => return None,
        };
        Some(hint.to_owned())
    }
}
