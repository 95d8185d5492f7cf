//! The process's standard input.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::ports::Input;
use crate::secret::SecretText;

/// A pasted redirect is no longer than this.
const LONGEST_LINE: u64 = 64 * 1024;

/// Standard input.
pub struct StandardInput;

#[expect(clippy::disallowed_methods, reason = "this is the input")]
impl Input for StandardInput {
    fn is_terminal(&self) -> bool {
        io::stdin().is_terminal()
    }

    fn ask_hidden(&self, question: &str) -> io::Result<SecretText> {
        let answer = dialoguer::Password::new().with_prompt(question).report(false).interact();
        answer.map(SecretText::new).map_err(|dialoguer::Error::IO(error)| error)
    }

    fn read_all(&self, limit: usize) -> io::Result<SecretText> {
        read_all(limit)
    }

    fn read_within(&self, limit: usize, deadline: Duration) -> io::Result<SecretText> {
        let (sender, receiver) = channel();
        // The thread ends with the process: a read cannot be taken back.
        std::thread::spawn(move || sender.send(read_all(limit)));
        receiver.recv_timeout(deadline).unwrap_or_else(|_| {
            let message = format!("it did not end within {} seconds", deadline.as_secs());
            Err(io::Error::new(io::ErrorKind::TimedOut, message))
        })
    }

    fn lines(&self) -> Receiver<SecretText> {
        let (sender, receiver) = channel();
        // The thread ends with the process: a read of a terminal cannot be taken back.
        std::thread::spawn(move || {
            loop {
                let mut line = Zeroizing::new(String::new());
                match io::stdin().lock().take(LONGEST_LINE).read_line(&mut line) {
                    Ok(count) if count > 0 && sender.send(SecretText::new(line.as_str())).is_ok() => {}
                    _ => return,
                }
            }
        });
        receiver
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the input")]
fn read_all(limit: usize) -> io::Result<SecretText> {
    let mut text = Zeroizing::new(String::new());
    io::stdin().lock().take(limit as u64 + 1).read_to_string(&mut text)?;
    if text.len() > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it is longer than {limit} bytes")));
    }
    Ok(SecretText::new(text.as_str()))
}
