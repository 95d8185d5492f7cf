//! Splits a command from another program's configuration into words.

/// Whether a word is authctl's path or name.
pub(super) fn is_ours(word: &str) -> bool {
    std::path::Path::new(word).file_stem().is_some_and(|name| name == "authctl")
}

/// Splits a command as a POSIX shell does, as far as the commands that the set-up writes need it.
pub(super) fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut begun) = (Vec::new(), String::new(), None, false);
    let mut characters = command.chars();
    while let Some(character) = characters.next() {
        match (character, quoted) {
            (quote, Some(open)) if quote == open => quoted = None,
            ('\\', None) => {
                word.extend(characters.next());
                begun = true;
            }
            ('\'' | '"', None) => {
                quoted = Some(character);
                begun = true;
            }
            (blank, None) if blank.is_whitespace() => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            (other, _) => {
                word.push(other);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_split_into_words() {
        for (command, want) in [
            ("/usr/bin/authctl helper git", &["/usr/bin/authctl", "helper", "git"][..]),
            ("'/a b/authctl' helper", &["/a b/authctl", "helper"]),
            ("'it'\\''s' x", &["it's", "x"]),
            ("\"C:/x y\" z", &["C:/x y", "z"]),
            ("  ", &[]),
        ] {
            assert_eq!(words(command), want, "{command}");
        }
    }
}
