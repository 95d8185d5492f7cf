//! What the set-ups of helpers left in the configurations of other programs, found again.

mod files;
mod programs;

use crate::app::App;

/// One place in which another program is told to ask here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The helper.
    pub helper: &'static str,
    /// The file, or the command that shows it.
    pub place: String,
    /// The program that is called, as it is written there.
    pub program: Option<String>,
    /// The program is found by its name: another one of that name may come first.
    pub by_name: bool,
    /// What is asked for.
    pub target: Target,
    /// Another helper, which is asked before.
    pub after: Option<String>,
}

/// What another program asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Whatever there is.
    Any,
    /// A host, and port.
    Host(String),
    /// A provider.
    Provider(String),
}

impl Installed {
    fn new(helper: &'static str, place: impl Into<String>, program: Option<String>, target: Target) -> Self {
        Self { helper, place: place.into(), program, by_name: false, target, after: None }
    }

    fn by_name(helper: &'static str, place: impl Into<String>, program: &str, target: Target) -> Self {
        Self { by_name: true, ..Self::new(helper, place, Some(program.to_owned()), target) }
    }
}

/// Everything that is set up. What cannot be read is passed over: it is another program's.
#[must_use]
pub fn all(app: &App<'_>) -> Vec<Installed> {
    let found = [
        programs::git(app),
        files::docker(app),
        programs::kubernetes(app),
        files::cargo(app),
        files::bazel(app),
        files::aws(app),
        files::terraform(app),
        files::keyring(app),
    ];
    found.into_iter().flatten().collect()
}

/// Whether a word is the path or the name of this program.
fn is_ours(word: &str) -> bool {
    std::path::Path::new(word).file_stem().is_some_and(|name| name == "authctl")
}

/// The words of a command as a POSIX shell reads them, where it is as plain as ours.
fn words(command: &str) -> Vec<String> {
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
