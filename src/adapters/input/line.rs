//! Prints a question to standard error and reads a line from standard input.

use std::io::{self, BufRead as _, Read as _, Write as _};

use zeroize::Zeroizing;

/// The longest line: a pasted redirect URL is shorter.
pub(super) const LONGEST_LINE: u64 = 64 * 1024;

#[expect(clippy::disallowed_methods, reason = "a question is part of the input")]
pub(super) fn print(question: &str) -> io::Result<()> {
    io::stderr().lock().write_all(question.as_bytes())
}

/// The next line, including its line ending.
#[expect(clippy::disallowed_methods, reason = "this is the input")]
pub(super) fn line() -> io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::new());
    match io::stdin().lock().take(LONGEST_LINE).read_line(&mut line)? {
        0 => {
            // The next message starts on its own line.
            print("\n")?;
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, "end of input"))
        }
        _ => Ok(line),
    }
}
