//! The limit on this process's open files and connections, and what to do when it is reached.

use std::fs::File;
use std::io;

/// The assumed limit if the process or the system has none.
const USUAL: usize = 1024;
/// What is reserved for everything except clients' connections: files, requests to servers, programs.
const RESERVE: usize = 32;
/// The minimum of clients' connections, even under a very low limit.
const FEWEST: usize = 4;

/// How many client connections may be open: `most`, or fewer if the limit on open files (`ulimit -n`) is low.
pub fn most_connections(most: usize) -> usize {
    connections_within(limit(), most)
}

fn connections_within(limit: usize, most: usize) -> usize {
    limit.saturating_sub(RESERVE).max(FEWEST).min(most)
}

fn limit() -> usize {
    #[cfg(unix)]
    {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        limit.map_or(USUAL, |limit| usize::try_from(limit).unwrap_or(USUAL))
    }
    #[cfg(not(unix))]
    USUAL
}

/// Checks that `count` more files can be opened now. Some libraries panic if they cannot, and what follows a refresh
/// must not fail for that reason.
pub fn check_free(count: usize) -> io::Result<()> {
    let null = if cfg!(windows) { "NUL" } else { "/dev/null" };
    let opened: io::Result<Vec<File>> = (0..count).map(|_| File::open(null)).collect();
    match opened {
        Err(error) if are_used_up(&error) => {
            Err(io::Error::other(format!("cannot open {count} more files; raise `ulimit -n`: {error}")))
        }
        // The device may not exist.
        _ => Ok(()),
    }
}

/// Whether opening a file or accepting a connection failed because too many are open.
pub fn are_used_up(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let full = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
        error.raw_os_error().is_some_and(|code| full.iter().any(|errno| errno.raw_os_error() == code))
    }
    // WSAEMFILE and WSAENOBUFS.
    #[cfg(not(unix))]
    matches!(error.raw_os_error(), Some(10024 | 10055))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_other_files() {
        for (limit, most, want) in
            [(1024, 64, 64), (96, 64, 64), (64, 64, 32), (40, 64, 8), (8, 64, 4), (0, 2, 2)]
        {
            assert_eq!(connections_within(limit, most), want, "{limit}");
        }
    }
}
