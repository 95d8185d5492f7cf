//! Signals that this process was started to ignore.

use std::fs::File;
use std::io::{self, Read as _};

/// The kernel does not say how long the file is. With this much space it is read by one call instead of eight.
const LENGTH: usize = 4096;

/// Whether this process was started to ignore a signal, for example by `nohup` or as a background job. The signal stays
/// ignored: programs that authctl runs inherit that, and a handler would change it for them.
pub(crate) fn is_ignored(signal: i32) -> bool {
    // Read once, before the first handler is set.
    static IGNORED: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    let ignored = *IGNORED.get_or_init(|| {
        let status = status().unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    });
    u32::try_from(signal - 1).is_ok_and(|bit| ignored.checked_shr(bit).unwrap_or(0) & 1 == 1)
}

fn status() -> io::Result<String> {
    let mut text = String::with_capacity(LENGTH);
    File::open("/proc/self/status")?.read_to_string(&mut text)?;
    Ok(text)
}
