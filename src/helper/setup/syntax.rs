//! Quotes values for the file or program that reads them, and refuses values that its syntax cannot express.
//!
//! A server may have chosen the account's name, so every value for another program is quoted here (F-HLP6).

use super::error::SetupError;
use crate::text::shell;
use crate::text::untrusted::{Untrusted, steers};

fn refused(value: &str, reason: &'static str) -> SetupError {
    SetupError::Unquotable { value: Untrusted::new(value), reason }
}

/// Quotes a command line for programs that pass it to a shell or split it like one, such as AWS's `credential_process`.
pub fn command_line(words: &[String]) -> Result<String, SetupError> {
    words.iter().try_for_each(|word| check_visible(word))?;
    if cfg!(windows) {
        let words: Result<Vec<String>, SetupError> = words.iter().map(|word| windows_word(word)).collect();
        Ok(words?.join(" "))
    } else {
        Ok(shell::line(words))
    }
}

/// Quotes a word for `cmd.exe` and for programs that split a command like the C runtime. Both read a double-quoted word in
/// the same way, unless it contains a character that `cmd.exe` also interprets inside quotes.
fn windows_word(word: &str) -> Result<String, SetupError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=@,+\\".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return Ok(word.to_owned());
    }
    if word.contains(['"', '%', '!', '^', '&', '|', '<', '>']) || word.ends_with('\\') {
        return Err(refused(word, "one of its characters cannot be quoted on Windows"));
    }
    Ok(format!("\"{word}\""))
}

/// Checks a value for an INI file. Programs disagree on comments after a value, and some replace `%`, so values that contain
/// either are refused.
pub fn ini_value(value: &str) -> Result<String, SetupError> {
    check_visible(value)?;
    let begins_comment =
        |(at, c): (usize, char)| matches!(c, '#' | ';') && value[..at].ends_with(char::is_whitespace);
    if value.contains('%') {
        return Err(refused(value, "some programs replace `%` in this file"));
    }
    if value.starts_with(['#', ';']) || value.char_indices().any(begins_comment) {
        return Err(refused(value, "some programs read a comment in it"));
    }
    Ok(value.to_owned())
}

/// Quotes a value for a list that kubectl splits at commas, as CSV does (RFC 4180).
pub fn csv_field(value: &str) -> Result<String, SetupError> {
    check_visible(value)?;
    let quotes = value.contains([',', '"']);
    Ok(if quotes { format!("\"{}\"", value.replace('"', "\"\"")) } else { value.to_owned() })
}

/// Escapes a word for `.bazelrc`, where a backslash is also special inside quotes.
pub fn bazel_word(word: &str) -> Result<String, SetupError> {
    check_visible(word)?;
    let mut written = String::with_capacity(word.len());
    for character in word.chars() {
        if character.is_whitespace() || matches!(character, '\\' | '"' | '\'' | '#') {
            written.push('\\');
        }
        written.push(character);
    }
    Ok(written)
}

/// Rejects line breaks, which would begin another entry, and invisible characters, which a person reading the file would miss.
fn check_visible(value: &str) -> Result<(), SetupError> {
    if value.contains(steers) { Err(refused(value, "it contains invisible characters")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Writer = fn(&str) -> Result<String, SetupError>;

    fn command(word: &str) -> Result<String, SetupError> {
        command_line(&["/x".to_owned(), word.to_owned()])
    }

    #[test]
    fn values_are_quoted_for_their_format_or_refused_f_hlp6() {
        for (write, value, want) in [
            (ini_value as Writer, "a 'b c' d", Some("a 'b c' d")),
            (ini_value, "a#b;c", Some("a#b;c")),
            (ini_value, "'#x'", Some("'#x'")),
            (ini_value, "a #b", None),
            (ini_value, "a\u{a0};b", None),
            (ini_value, ";a", None),
            (ini_value, "a%b", None),
            (csv_field, "--account=a", Some("--account=a")),
            (csv_field, "--scope=a b", Some("--scope=a b")),
            (csv_field, "--account=a,--login", Some("\"--account=a,--login\"")),
            (csv_field, "a\"b", Some("\"a\"\"b\"")),
            (bazel_word, "/bin/x", Some("/bin/x")),
            (bazel_word, "/a b/x", Some("/a\\ b/x")),
            (bazel_word, "it's", Some("it\\'s")),
            (bazel_word, "a#b", Some("a\\#b")),
            (bazel_word, "C:\\x", Some("C:\\\\x")),
            (windows_word, "C:\\a\\authctl.exe", Some("C:\\a\\authctl.exe")),
            (windows_word, "C:\\a b\\authctl.exe", Some("\"C:\\a b\\authctl.exe\"")),
            (windows_word, "it's", Some("\"it's\"")),
            (windows_word, "a&b", None),
            (windows_word, "%PATH%", None),
            (windows_word, "a\"b", None),
            (windows_word, "a b\\", None),
        ] {
            assert_eq!(write(value).ok().as_deref(), want, "{value}");
        }
        if cfg!(unix) {
            assert_eq!(command("$(x)").unwrap(), "/x '$(x)'");
            assert_eq!(command("it's").unwrap(), "/x 'it'\\''s'");
        }
    }

    #[test]
    fn hidden_characters_are_refused_in_every_format_f_hlp6() {
        for hidden in ["a\nb", "a\rb", "a\0b", "a\u{1b}b", "a\u{202e}b", "a\u{200b}b", "a\u{9b}b"] {
            for (name, write) in [
                ("command", command as Writer),
                ("ini", ini_value),
                ("csv", csv_field),
                ("bazel", bazel_word),
            ] {
                assert!(write(hidden).is_err(), "{name}: {hidden:?}");
            }
        }
    }
}
