//! Text from a server, a file or another program, made safe for a terminal.

use std::borrow::Cow;
use std::fmt;

/// The most characters of untrusted text in a message: longer text is useless, and could push the message itself out of
/// sight.
const LONGEST: usize = 300;

/// Text from a server, a file or another program. It is shown in backticks, cut after 300 characters, and with every
/// character escaped that could steer a terminal or reorder the line (F-CTRL2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untrusted(String);

impl Untrusted {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}`", escaped(&self.0))
    }
}

/// The text with steering characters escaped, cut after 300 characters; for places that add their own quotes.
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(LONGEST));
    for (count, character) in text.chars().enumerate() {
        if count == LONGEST {
            shown.push('…');
            break;
        }
        if steers(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Makes a message safe for a terminal. Colours and line breaks stay, because authctl wrote them. Characters that would
/// reorder or hide a part of the line are escaped, whatever their source (F-CTRL2).
pub fn shown(message: &str) -> Cow<'_, str> {
    let is_own = |character: char| matches!(character, '\n' | '\t' | '\u{1b}');
    if !message.contains(|character: char| steers(character) && !is_own(character)) {
        return Cow::Borrowed(message);
    }
    let mut shown = String::with_capacity(message.len());
    for character in message.chars() {
        if steers(character) && !is_own(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// JSON text without characters that steer a terminal: those that JSON itself does not escape are written as `\\u`.
pub fn escaped_json(value: &serde_json::Value) -> String {
    let mut text = String::new();
    for character in format!("{value:#}").chars() {
        if steers(character) && character != '\n' {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            text.push(character);
        }
    }
    text
}

/// Whether a character could do more than be displayed: control characters (C0, DEL, C1) and Unicode's format,
/// bidirectional, line separator, tag, variation and blank filler characters.
pub fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}'
            | '\u{8e2}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untrusted_text_cannot_control_the_terminal_f_ctrl2() {
        for (name, text, want) in [
            ("plain", "access denied", "`access denied`"),
            ("other scripts stay", "доступ запрещён 拒否", "`доступ запрещён 拒否`"),
            ("colour", "\u{1b}[31mred", "`\\u{1b}[31mred`"),
            ("title and bell", "\u{1b}]0;x\u{7}", "`\\u{1b}]0;x\\u{7}`"),
            ("c1 control", "\u{9b}2J", "`\\u{9b}2J`"),
            ("right-to-left override", "user\u{202e}gpj.exe", "`user\\u{202e}gpj.exe`"),
            ("zero width", "git\u{200b}hub", "`git\\u{200b}hub`"),
            ("line break", "a\r\nerror: b", "`a\\u{d}\\u{a}error: b`"),
        ] {
            assert_eq!(Untrusted::new(text).to_string(), want, "{name}");
        }
        for (name, text, want) in [
            ("own colours and lines", "\u{1b}[1ma\u{1b}[0m\n\tb", "\u{1b}[1ma\u{1b}[0m\n\tb"),
            ("an override", "a\u{202e}b", "a\\u{202e}b"),
            ("an isolate", "a\u{2066}b", "a\\u{2066}b"),
            ("a carriage return", "a\rb", "a\\u{d}b"),
            ("a C1 control", "a\u{9b}b", "a\\u{9b}b"),
            ("a tag", "a\u{e0041}b", "a\\u{e0041}b"),
            ("a filler", "a\u{3164}b", "a\\u{3164}b"),
        ] {
            assert_eq!(shown(text), want, "{name}");
        }
        let value = serde_json::json!({ "a\u{9b}": "\u{202e}\u{7f}é\u{e0001}\n" });
        let text = escaped_json(&value);
        assert!(
            text.is_ascii() || text.chars().all(|character| !steers(character) || character == '\n'),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
        assert_eq!(Untrusted::new("x".repeat(400)).to_string().chars().count(), 303);
    }
}
