//! Quotes text for a POSIX shell.

/// A text in single quotes, in which only the single quote itself is special (POSIX XCU 2.2.2).
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A word of a command, quoted if necessary.
pub fn word(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=@,+%".contains(&byte);
    // zsh replaces a word that starts with an equals sign with a program's path.
    let is_plain = !text.is_empty() && !text.starts_with('=') && text.bytes().all(plain);
    if is_plain { text.to_owned() } else { quoted(text) }
}

pub fn line(command: &[String]) -> String {
    command.iter().map(|text| word(text)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_words_are_quoted_f_hlp6() {
        for (text, want) in [
            ("a-b", "a-b"),
            ("alice+x@example.com", "alice+x@example.com"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", "'it'\\''s'"),
            ("$(touch x)", "'$(touch x)'"),
            ("`x`", "'`x`'"),
            ("a;b", "'a;b'"),
            ("a\nb", "'a\nb'"),
            ("#a", "'#a'"),
            ("~a", "'~a'"),
            ("=ls", "'=ls'"),
            ("*", "'*'"),
            ("a\\b", "'a\\b'"),
            ("é", "'é'"),
        ] {
            assert_eq!(word(text), want, "{text}");
        }
        assert_eq!(line(&["a b".to_owned(), "c".to_owned()]), "'a b' c");
    }

    #[cfg(unix)]
    #[test]
    #[expect(clippy::disallowed_methods, reason = "a real shell reads it back")]
    fn a_real_shell_reads_quoted_words_back_f_hlp6() {
        let words =
            ["a b", "it's", "$(echo x)", "`echo x`", "\\", "\"", "%s", "#", "-n", "a\nb", "é", "!x", "*"];
        let words = words.map(str::to_owned);
        let script = format!("printf '%s\\0' {}", line(&words));
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let read: Vec<String> =
            String::from_utf8(output.stdout).unwrap().split_terminator('\0').map(str::to_owned).collect();
        assert_eq!(read, words);
    }
}
