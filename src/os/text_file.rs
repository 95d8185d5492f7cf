//! Text files of limited size.

use std::io;
use std::path::Path;

/// Reads a small file that somebody else may have written: at most `limit` bytes, and UTF-8. If it is not, the error is
/// `InvalidData`.
pub fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    let read = std::fs::File::open(path)?.take(limit + 1).read_to_string(&mut text)?;
    if read as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it is larger than {limit} bytes")));
    }
    Ok(text)
}
