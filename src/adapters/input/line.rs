//! A question on standard error, and a line of standard input.

use std::io::{self, BufRead as _, Read as _, Write as _};

use zeroize::Zeroizing;

/// A pasted redirect is no longer than this.
pub(super) const LONGEST_LINE: u64 = 64 * 1024;

#[expect(clippy::disallowed_methods, reason = "a question is part of the input")]
pub(super) fn print(question: &str) -> io::Result<()> {
    io::stderr().lock().write_all(question.as_bytes())
}

/// The next line, with its end.
#[expect(clippy::disallowed_methods, reason = "this is the input")]
pub(super) fn line() -> io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::new());
    match io::stdin().lock().take(LONGEST_LINE).read_line(&mut line)? {
        0 => {
            // What is said next begins on a line of its own.
            print("\n")?;
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it has ended"))
        }
        _ => Ok(line),
    }
}
