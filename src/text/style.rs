//! The styles of what is shown on a terminal. `Console` strips them where colours are off.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

pub const ERROR: Style = AnsiColor::Red.on_default().bold();
/// The style of `warning:` and `note:`.
pub const NOTE: Style = AnsiColor::Yellow.on_default().bold();
/// The style of `hint:` and of commands to type.
pub const HINT: Style = AnsiColor::Cyan.on_default().bold();
/// The style of what went well.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
/// The style of what matters in a sentence.
pub const STRONG: Style = Style::new().bold();
/// The style of what matters less.
pub const FAINT: Style = Style::new().dimmed();

/// A text in a style, for `format!`.
pub fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}
