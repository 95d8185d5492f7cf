//! What is said to the user: results on standard output, all else on standard error.

use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::ports::terminal::{Stream, Terminal, Waiting};
pub use crate::text::causes::with_causes;
pub use crate::text::style::{ERROR, FAINT, GOOD, HINT, NOTE, STRONG, styled};
use crate::text::untrusted::shown;

/// Stands for colours on, off, or as the terminal and `NO_COLOR` say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ColorChoice {
    /// Colours on a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Colours always.
    Always,
    /// No colours.
    Never,
}

/// Speaks to the user through the terminal port, in colour where that is wanted.
#[derive(Clone)]
pub struct Console {
    terminal: Arc<dyn Terminal>,
    color: ColorChoice,
    no_color: bool,
    quiet: bool,
    said: Arc<AtomicU32>,
}

impl Console {
    /// A console on a terminal; `no_color` as `NO_COLOR` says (no-color.org).
    pub fn new(terminal: Arc<dyn Terminal>, no_color: bool) -> Self {
        Self { terminal, color: ColorChoice::Auto, no_color, quiet: false, said: Arc::default() }
    }

    /// Takes what the command line says of it.
    pub fn configure(&mut self, color: ColorChoice, quiet: bool) {
        self.color = color;
        self.quiet = quiet;
    }

    /// The same console, on which nothing but errors is said.
    pub fn quieted(&self) -> Self {
        Self { quiet: true, ..self.clone() }
    }

    /// Writes a result to standard output, byte for byte, in one write.
    ///
    /// # Errors
    /// As the stream reports them.
    pub fn out(&self, text: &str) -> io::Result<()> {
        self.terminal.write(Stream::Out, text.as_bytes())
    }

    /// Writes a result that has styles in it to standard output.
    ///
    /// # Errors
    /// As the stream reports them.
    pub fn show(&self, text: &str) -> io::Result<()> {
        self.write(Stream::Out, text)
    }

    /// Writes an error, which `--quiet` does not silence. That standard error is closed is no failure of ours.
    pub fn error(&self, text: impl Display) {
        self.said.fetch_add(1, Ordering::Relaxed);
        let _ = self.write(Stream::Err, &format!("{text}\n"));
    }

    /// How often something was said on standard error.
    pub fn times_said(&self) -> u32 {
        self.said.load(Ordering::Relaxed)
    }

    /// Writes a line for the person.
    pub fn say(&self, text: impl Display) {
        if !self.quiet {
            self.error(text);
        }
    }

    /// Writes a `note:`.
    pub fn note(&self, text: impl Display) {
        self.say(format_args!("{} {text}", styled(NOTE, "note:")));
    }

    /// Writes a `warning:`.
    pub fn warn(&self, text: impl Display) {
        self.say(format_args!("{} {text}", styled(NOTE, "warning:")));
    }

    /// Writes a `hint:`.
    pub fn hint(&self, text: impl Display) {
        self.say(format_args!("{} {text}", styled(HINT, "hint:")));
    }

    /// Shows that something is waited for: a spinner on a terminal, nothing in a pipe.
    pub fn wait(&self, message: &str) -> Option<Box<dyn Waiting>> {
        self.wait_at_most(message, None)
    }

    /// The same for a wait that ends at the latest after a limit: it says how much of that is left.
    pub fn wait_at_most(&self, message: &str, limit: Option<Duration>) -> Option<Box<dyn Waiting>> {
        (!self.quiet && self.is_terminal(Stream::Err)).then(|| self.terminal.wait(&shown(message), limit))
    }

    /// How many characters fit into a line of standard output, where that is a terminal.
    pub fn width(&self) -> Option<usize> {
        self.terminal.width(Stream::Out)
    }

    /// Whether a stream is a terminal.
    pub fn is_terminal(&self, stream: Stream) -> bool {
        self.terminal.is_terminal(stream)
    }

    /// Whether text on a stream is coloured.
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
