//! The process's standard input.
//!
//! Questions are printed and answers read as lines, without control of the cursor: the terminal's own editing works,
//! Ctrl-C leaves nothing to restore, and a screen reader reads everything once.

mod hidden;
mod line;

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use zeroize::Zeroizing;

use self::line::{LONGEST_LINE, line, print};
use crate::os::threads;
use crate::ports::Input;
use crate::secret::SecretText;

pub struct StandardInput;

#[expect(clippy::disallowed_methods, reason = "this is the input")]
impl Input for StandardInput {
    fn is_terminal(&self) -> bool {
        io::stdin().is_terminal()
    }

    fn ask_hidden(&self, question: &str) -> io::Result<SecretText> {
        let answer = hidden::line(&format!("{question}: "))?;
        Ok(SecretText::new(answer.trim_end_matches(['\r', '\n'])))
    }

    fn ask(&self, question: &str, default: Option<&str>) -> io::Result<String> {
        print(&match default {
            Some(default) => format!("{question} [{default}]: "),
            None => format!("{question}: "),
        })?;
        let answer = line()?;
        let answer = answer.trim_end_matches(['\r', '\n']);
        Ok(if answer.is_empty() { default.unwrap_or_default() } else { answer }.to_owned())
    }

    fn confirm(&self, question: &str, default: bool) -> io::Result<bool> {
        let choices = if default { "Y/n" } else { "y/N" };
        loop {
            print(&format!("{question} [{choices}] "))?;
            match line()?.trim().to_lowercase().as_str() {
                "" => return Ok(default),
                "y" | "yes" => return Ok(true),
                "n" | "no" => return Ok(false),
                _ => {}
            }
        }
    }

    fn read_all(&self, limit: usize) -> io::Result<SecretText> {
        read_all(limit)
    }

    fn read_within(&self, limit: usize, deadline: Duration) -> io::Result<SecretText> {
        let (sender, receiver) = channel();
        // The thread ends with the process, because a read cannot be cancelled.
        threads::start("input", move || sender.send(read_all(limit)))?;
        receiver.recv_timeout(deadline).unwrap_or_else(|_| {
            let message = format!("no end of input within {} seconds", deadline.as_secs());
            Err(io::Error::new(io::ErrorKind::TimedOut, message))
        })
    }

    fn lines(&self) -> io::Result<Receiver<SecretText>> {
        let (sender, receiver) = channel();
        // The thread ends with the process, because a read from a terminal cannot be cancelled.
        threads::start("lines", move || {
            loop {
                let mut line = Zeroizing::new(String::new());
                match io::stdin().lock().take(LONGEST_LINE).read_line(&mut line) {
                    Ok(count) if count > 0 && sender.send(SecretText::new(line.as_str())).is_ok() => {}
                    _ => return,
                }
            }
        })?;
        Ok(receiver)
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
