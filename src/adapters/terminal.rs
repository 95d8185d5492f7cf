//! The process's standard output and standard error.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use console::{Term, truncate_str};

use crate::ports::{Stream, Terminal, Waiting};

pub struct StandardStreams {
    /// The terminal must not redraw lines.
    pub dumb: bool,
}

#[expect(clippy::disallowed_methods, reason = "this is the terminal")]
impl Terminal for StandardStreams {
    fn write(&self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        match stream {
            Stream::Out => {
                let mut out = io::stdout().lock();
                out.write_all(bytes)?;
                out.flush()
            }
            Stream::Err => io::stderr().lock().write_all(bytes),
        }
    }

    fn is_terminal(&self, stream: Stream) -> bool {
        match stream {
            Stream::Out => io::stdout().is_terminal(),
            Stream::Err => io::stderr().is_terminal(),
        }
    }

    fn wait(&self, message: &str, limit: Option<Duration>) -> Box<dyn Waiting> {
        if self.dumb {
            let _ = self.write(Stream::Err, format!("{message}\n").as_bytes());
            return Box::new(Spinner(None));
        }
        Box::new(Spinner::start(message.to_owned(), limit))
    }

    fn width(&self, stream: Stream) -> Option<usize> {
        let terminal = match stream {
            Stream::Out => Term::stdout(),
            Stream::Err => Term::stderr(),
        };
        terminal.size_checked().map(|(_, columns)| usize::from(columns)).filter(|&columns| columns > 0)
    }
}

const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_TIME: Duration = Duration::from_millis(120);

/// A line that is redrawn until this is dropped.
struct Spinner(Option<(Sender<()>, JoinHandle<()>)>);

impl Spinner {
    fn start(message: String, limit: Option<Duration>) -> Self {
        let (end, ended) = channel();
        let mut left = limit;
        let draw = move || {
            let terminal = Term::stderr();
            for frame in FRAMES.iter().cycle() {
                let width = usize::from(terminal.size().1).saturating_sub(1);
                // A terminal that rejects output is no reason to stop.
                let _ = terminal.clear_line();
                let rest = left.map(|left| format!(" {}", in_minutes(left))).unwrap_or_default();
                // The remaining time stays visible, however narrow the terminal is.
                let message = truncate_str(&message, width.saturating_sub(rest.len() + 2), "…");
                let _ = terminal.write_str(&truncate_str(&format!("{frame} {message}{rest}"), width, "…"));
                if ended.recv_timeout(FRAME_TIME) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
                left = left.map(|left| left.saturating_sub(FRAME_TIME));
            }
            let _ = terminal.clear_line();
        };
        Self(thread::Builder::new().spawn(draw).ok().map(|thread| (end, thread)))
    }
}

/// A time in minutes and seconds: `4:59`.
fn in_minutes(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

impl Waiting for Spinner {}

impl Drop for Spinner {
    fn drop(&mut self) {
        let Some((end, thread)) = self.0.take() else { return };
        drop(end);
        let _ = thread.join();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_to_wait() {
        for (milliseconds, want) in
            [(299_880, "4:59"), (60_000, "1:00"), (9_000, "0:09"), (0, "0:00"), (3_600_000, "60:00")]
        {
            assert_eq!(in_minutes(Duration::from_millis(milliseconds)), want);
        }
    }
}
