//! Why a config file is not read.

use std::io;

use super::unsafe_file::Unsafe;

/// Why a config file is not read.
#[cfg_attr(not(unix), allow(dead_code, reason = "only Unix has owners and modes"))]
#[derive(Debug)]
pub enum Unread {
    Absent,
    /// The system did not let us read it.
    Io(io::Error),
    Unsafe(Unsafe),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound { Self::Absent } else { Self::Io(error) }
    }
}
