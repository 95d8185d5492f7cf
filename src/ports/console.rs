//! Messages to the user: results on standard output, everything else on standard error.

use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::ports::terminal::{Stream, Terminal, Waiting};
use crate::text::style::{HINT, NOTE, styled};
use crate::text::untrusted::shown;

/// Whether to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ColorChoice {
    #[default]
    Auto,
    Always,
    Never,
}

/// Prints to the terminal port, with colours if they are enabled.
#[derive(Clone)]
pub struct Console {
    terminal: Arc<dyn Terminal>,
    color: ColorChoice,
    no_color: bool,
    quiet: bool,
    said: Arc<AtomicU32>,
}

impl Console {
    /// A console on a terminal; `no_color` tells whether `NO_COLOR` is set (no-color.org).
    pub fn new(terminal: Arc<dyn Terminal>, no_color: bool) -> Self {
        Self { terminal, color: ColorChoice::Auto, no_color, quiet: false, said: Arc::default() }
    }

    /// Applies the command line's settings.
    pub fn configure(&mut self, color: ColorChoice, quiet: bool) {
        self.color = color;
        self.quiet = quiet;
    }

    /// The same console, but silent except for errors.
    pub fn quieted(&self) -> Self {
        Self { quiet: true, ..self.clone() }
    }

    /// Writes a result to standard output unchanged, in one write.
    pub fn out(&self, text: &str) -> io::Result<()> {
        self.terminal.write(Stream::Out, text.as_bytes())
    }

    /// Writes a styled result to standard output.
    pub fn show(&self, text: &str) -> io::Result<()> {
        self.write(Stream::Out, text)
    }

    /// Writes an error, which `--quiet` does not silence. A closed standard error is ignored.
    pub fn error(&self, text: impl Display) {
        self.said.fetch_add(1, Ordering::Relaxed);
        let _ = self.write(Stream::Err, &format!("{text}\n"));
    }

    /// How many messages were written to standard error.
    pub fn times_said(&self) -> u32 {
        self.said.load(Ordering::Relaxed)
    }

    /// Writes a line for the user.
    pub fn say(&self, text: impl Display) {
        if !self.quiet {
            self.error(text);
        }
    }

    pub fn note(&self, text: impl Display) {
        self.say(format_args!("{} {text}", styled(NOTE, "note:")));
    }

    pub fn warn(&self, text: impl Display) {
        self.say(format_args!("{} {text}", styled(NOTE, "warning:")));
    }

    pub fn hint(&self, text: impl Display) {
        self.say(format_args!("{} {text}", styled(HINT, "hint:")));
    }

    /// Shows that authctl waits: a spinner on a terminal, nothing in a pipe.
    pub fn wait(&self, message: &str) -> Option<Box<dyn Waiting>> {
        self.wait_at_most(message, None)
    }

    /// The same for a wait with a limit: it shows how much of the limit is left.
    pub fn wait_at_most(&self, message: &str, limit: Option<Duration>) -> Option<Box<dyn Waiting>> {
        (!self.quiet && self.is_terminal(Stream::Err)).then(|| self.terminal.wait(&shown(message), limit))
    }

    /// The line width of standard output, if it is a terminal.
    pub fn width(&self) -> Option<usize> {
        self.terminal.width(Stream::Out)
    }

    pub fn is_terminal(&self, stream: Stream) -> bool {
        self.terminal.is_terminal(stream)
    }

    pub fn is_colored(&self, stream: Stream) -> bool {
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => !self.no_color && self.is_terminal(stream),
        }
    }

    fn write(&self, stream: Stream, text: &str) -> io::Result<()> {
        let text = &*shown(text);
        if self.is_colored(stream) {
            self.terminal.write(stream, text.as_bytes())
        } else {
            self.terminal.write(stream, anstream::adapter::strip_str(text).to_string().as_bytes())
        }
    }
}
