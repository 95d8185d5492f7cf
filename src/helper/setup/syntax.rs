//! Values in the syntax of the file or program that reads them. A value that the syntax cannot carry is refused.
//!
//! A server may have chosen the account's name, so every value for another program is quoted here (F-HLP6).

use super::error::SetupError;
use crate::text::shell;
use crate::text::untrusted::{Untrusted, steers};

/// Why a value is not written.
fn refused(value: &str, reason: &'static str) -> SetupError {
    SetupError::Unquotable { value: Untrusted::new(value), reason }
}

/// A command line for programs that pass it to a shell or split it like one, such as AWS's `credential_process`.
pub fn command_line(words: &[String]) -> Result<String, SetupError> {
    words.iter().try_for_each(|word| check_visible(word))?;
    if cfg!(windows) {
        let words: Result<Vec<String>, SetupError> = words.iter().map(|word| windows_word(word)).collect();
        Ok(words?.join(" "))
    } else {
        Ok(shell::line(words))
    }
}

/// A word for `cmd.exe` and for programs that split a command as C's runtime does. Both read a word in double quotes alike,
/// unless it has a character that `cmd.exe` interprets inside quotes as well.
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

/// A value of an INI file. Readers disagree on comments after a value, and some replace `%`, so a value that contains either
/// is refused.
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

/// A value in a list that kubectl splits at commas, with the quotes of CSV (RFC 4180).
pub fn csv_field(value: &str) -> Result<String, SetupError> {
    check_visible(value)?;
    let quotes = value.contains([',', '"']);
    Ok(if quotes { format!("\"{}\"", value.replace('"', "\"\"")) } else { value.to_owned() })
}

/// A word of a line in `.bazelrc`, where a backslash also has its meaning inside quotes.
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

/// A line break would begin another entry, and a reader of the file could not see other such characters.
fn check_visible(value: &str) -> Result<(), SetupError> {
    if value.contains(steers) { Err(refused(value, "it has characters that do not show")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(result: Result<String, SetupError>) -> Option<String> {
        result.ok()
    }

    #[test]
    fn values_are_quoted_for_their_format_or_refused_f_hlp6() {
        let command = |word: &str| told(command_line(&["/x".to_owned(), word.to_owned()]));
        let ini = |value: &str| told(ini_value(value));
        let csv = |value: &str| told(csv_field(value));
        let bazel = |word: &str| told(bazel_word(word));
        let windows = |word: &str| told(windows_word(word));
        let some = |text: &str| Some(text.to_owned());
        for hidden in ["a\nb", "a\rb", "a\0b", "a\u{1b}b", "a\u{202e}b", "a\u{200b}b", "a\u{9b}b"] {
            for (name, result) in [
                ("command", command(hidden)),
                ("ini", ini(hidden)),
                ("csv", csv(hidden)),
                ("bazel", bazel(hidden)),
            ] {
                assert_eq!(result, None, "{name}: {hidden:?}");
            }
        }
        if cfg!(unix) {
            assert_eq!(command("$(x)"), some("/x '$(x)'"));
            assert_eq!(command("it's"), some("/x 'it'\\''s'"));
        }
        for (value, want) in [
            ("a 'b c' d", some("a 'b c' d")),
            ("a#b;c", some("a#b;c")),
            ("'#x'", some("'#x'")),
            ("a #b", None),
            ("a\u{a0};b", None),
            (";a", None),
            ("a%b", None),
        ] {
            assert_eq!(ini(value), want, "{value}");
        }
        for (value, want) in [
            ("--account=a", some("--account=a")),
            ("--scope=a b", some("--scope=a b")),
            ("--account=a,--login", some("\"--account=a,--login\"")),
            ("a\"b", some("\"a\"\"b\"")),
        ] {
            assert_eq!(csv(value), want, "{value}");
        }
        for (value, want) in [
            ("/bin/x", some("/bin/x")),
            ("/a b/x", some("/a\\ b/x")),
            ("it's", some("it\\'s")),
            ("a#b", some("a\\#b")),
            ("C:\\x", some("C:\\\\x")),
        ] {
            assert_eq!(bazel(value), want, "{value}");
        }
        for (value, want) in [
            ("C:\\a\\authctl.exe", some("C:\\a\\authctl.exe")),
            ("C:\\a b\\authctl.exe", some("\"C:\\a b\\authctl.exe\"")),
            ("it's", some("\"it's\"")),
            ("a&b", None),
            ("%PATH%", None),
            ("a\"b", None),
            ("a b\\", None),
        ] {
            assert_eq!(windows(value), want, "{value}");
        }
    }
}
