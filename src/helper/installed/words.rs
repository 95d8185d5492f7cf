//! The words of a command in another program's configuration.

/// Whether a word is the path or the name of this program.
pub(super) fn is_ours(word: &str) -> bool {
    std::path::Path::new(word).file_stem().is_some_and(|name| name == "authctl")
}

/// The words of a command as a POSIX shell reads them, where it is as plain as ours.
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
    fn words_of_a_command() {
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
