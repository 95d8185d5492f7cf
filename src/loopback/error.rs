//! Why there was no redirect.

use std::io;
use std::time::Duration;

use crate::advice::{Advise, Status};

#[derive(Debug, thiserror::Error)]
pub enum LoopbackError {
    /// The port is taken, or there is no loopback interface. No browser was opened (F-CB14).
    #[error("cannot listen on {address} for the redirect: {source}")]
    Bind { address: String, source: io::Error },
    /// Nobody came in time.
    #[error("no redirect came within {}", crate::text::humanize::exact(*waited))]
    TimedOut {
        /// How long it was waited for.
        waited: Duration,
        /// How many requests came that were not the redirect.
        ignored: usize,
    },
    /// The one-time link was opened twice on a system that does not say by which user (F-CB20).
    #[error(
        "the one-time link that authctl gave to the browser was opened twice, and this system does not say which user opened it"
    )]
    OpenedTwice,
    /// Ctrl-C, or a signal like it.
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
            Self::Bind { .. } => "close the program that holds the port, or set another port in redirect_uri",
            Self::TimedOut { .. } => {
                "run the command again; --timeout gives you longer, --no-browser only prints the URL"
            }
            Self::OpenedTwice => {
                "run the command again with `--no-browser` and open the URL that it prints; if you did not reload the page, another user of this machine may have opened the link"
            }
            Self::Interrupted(_) => return None,
        };
        Some(hint.to_owned())
    }
}
