//! The process's standard output and error.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use console::{Term, truncate_str};

use crate::ports::{Stream, Terminal, Waiting};

/// The standard streams.
pub struct StandardStreams;

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

    fn wait(&self, message: &str) -> Box<dyn Waiting> {
        Box::new(Spinner::start(message.to_owned()))
    }
}

const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_TIME: Duration = Duration::from_millis(120);

/// A line that is drawn anew until it is dropped.
struct Spinner(Option<(Sender<()>, JoinHandle<()>)>);

impl Spinner {
    fn start(message: String) -> Self {
        let (end, ended) = channel();
        let draw = move || {
            let terminal = Term::stderr();
            for frame in FRAMES.iter().cycle() {
                let width = usize::from(terminal.size().1).saturating_sub(1);
                // A terminal that takes nothing is no reason to end.
                let _ = terminal.clear_line();
                let _ = terminal.write_str(&truncate_str(&format!("{frame} {message}"), width, "…"));
                if ended.recv_timeout(FRAME_TIME) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
            let _ = terminal.clear_line();
        };
        Self(thread::Builder::new().spawn(draw).ok().map(|thread| (end, thread)))
    }
}

impl Waiting for Spinner {}

impl Drop for Spinner {
    fn drop(&mut self) {
        let Some((end, thread)) = self.0.take() else { return };
        drop(end);
        let _ = thread.join();
    }
}
