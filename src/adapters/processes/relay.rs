//! Passes a program's output on to standard output, after a filter has judged its first bytes.

use std::io::{self, Read as _, Write as _};
use std::process::ChildStdout;

use crate::ports::{OutputAction, OutputFilter};

/// The most output that is held back: no filter needs more, and memory is not for downloads.
const MOST_HELD: usize = 64 << 10;
/// The most discarded output that is read, so that the program can finish normally.
const MOST_DISCARDED: u64 = 1 << 20;

/// Holds output back until the filter has decided, then passes it on as it arrives. Returns whether it was discarded.
pub(super) fn relay(mut output: ChildStdout, filter: OutputFilter<'_>) -> bool {
    let mut held = Vec::new();
    loop {
        let count = read_some(&mut output, &mut held);
        match filter(&held) {
            OutputAction::Discard => {
                let _ = io::copy(&mut output.take(MOST_DISCARDED), &mut io::sink());
                return true;
            }
            OutputAction::Wait if count > 0 && held.len() < MOST_HELD => {}
            OutputAction::Wait | OutputAction::Release => break,
        }
    }
    // If nobody reads any more, the program notices because its own pipe closes with this one.
    if let Ok(mut ours) = standard_output()
        && ours.write_all(&held).is_ok()
    {
        let _ = io::copy(&mut output, &mut ours);
    }
    false
}

fn read_some(output: &mut ChildStdout, held: &mut Vec<u8>) -> usize {
    let mut buffer = [0; 8192];
    loop {
        match output.read(&mut buffer) {
            Ok(count) => {
                held.extend_from_slice(&buffer[..count]);
                return count;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return 0,
        }
    }
}

/// Standard output without line buffering, which would slow down a download.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "this is where output is passed on")]
fn standard_output() -> io::Result<std::fs::File> {
    use std::os::fd::AsFd as _;
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}

#[cfg(windows)]
#[expect(clippy::disallowed_methods, reason = "this is where output is passed on")]
fn standard_output() -> io::Result<std::fs::File> {
    use std::os::windows::io::AsHandle as _;
    Ok(io::stdout().as_handle().try_clone_to_owned()?.into())
}
