//! The values of a key in git's global configuration: those of authctl and of other helpers, in order.

use std::path::PathBuf;

pub(super) struct GitKey {
    /// Such as `credential.https://host.helper`.
    pub(super) key: String,
    pub(super) present: Vec<String>,
    /// The values to set; authctl's command is the last one.
    pub(super) wanted: Vec<String>,
    /// The files in which git may store the key.
    pub(super) files: Vec<PathBuf>,
}

impl GitKey {
    /// Returns the git commands that add authctl's values after all others, or remove them.
    pub(super) fn commands(&self, undo: bool) -> Vec<Vec<String>> {
        let is_current = self.present.ends_with(&self.wanted);
        let ours = self.present.iter().position(|value| is_ours(value));
        if undo && ours.is_none() || !undo && is_current {
            return Vec::new();
        }
        let mut commands = Vec::new();
        if let Some(at) = ours {
            // The empty value right before authctl's command is its reset. Any other empty value belongs to another program.
            let has_reset = at > 0 && self.present[at - 1].is_empty();
            let empty = self.present.iter().filter(|value| value.is_empty()).count();
            match has_reset {
                false => commands.push(self.git("--unset-all", &[OURS])),
                true if empty == 1 => {
                    commands.extend([OURS, "^$"].map(|ours| self.git("--unset-all", &[ours])))
                }
                // git cannot select one of several equal values, so the other values are written again.
                true => {
                    commands.push(self.git("--unset-all", &[]));
                    let kept = self.present.iter().enumerate();
                    let kept = kept.filter(|(index, value)| index + 1 != at && !is_ours(value));
                    commands.extend(kept.map(|(_, value)| self.git("--add", &[value])));
                }
            }
        }
        if !undo {
            commands.extend(self.wanted.iter().map(|value| self.git("--add", &[value])));
        }
        commands
    }

    fn git(&self, option: &str, rest: &[&str]) -> Vec<String> {
        let words = ["git", "config", "--global", option, &self.key];
        words.iter().chain(rest).map(|&word| word.to_owned()).collect()
    }
}

/// Matches authctl's command among a key's values, as a pattern for git.
const OURS: &str = " helper git$";

fn is_ours(value: &str) -> bool {
    value.starts_with('!') && value.ends_with(" helper git")
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: &str = "!/bin/authctl helper git";

    /// Returns the values after git has run the commands.
    fn carried_out(present: &[&str], undo: bool) -> Vec<String> {
        let values = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>();
        let key = GitKey {
            key: "k".to_owned(),
            present: values(present),
            wanted: values(&["", COMMAND]),
            files: Vec::new(),
        };
        let mut values = key.present.clone();
        for command in key.commands(undo) {
            match (command[3].as_str(), command.get(5).map(String::as_str)) {
                ("--unset-all", None) => values.clear(),
                ("--unset-all", Some("^$")) => values.retain(|value| !value.is_empty()),
                ("--unset-all", Some(OURS)) => values.retain(|value| !value.ends_with(" helper git")),
                ("--add", Some(value)) => values.push(value.to_owned()),
                other => panic!("{other:?}"),
            }
        }
        values
    }

    #[test]
    fn values_of_other_programs_stay() {
        for (name, present, without) in [
            ("nothing", &[] as &[&str], &[] as &[&str]),
            ("authctl", &["", COMMAND], &[]),
            ("an old authctl", &["", "!/old/authctl helper git"], &[]),
            ("another", &["store"], &["store"]),
            ("another before authctl", &["store", "", COMMAND], &["store"]),
            (
                "another reset",
                &["", "!gh auth git-credential", "", COMMAND],
                &["", "!gh auth git-credential"],
            ),
            ("only another reset", &["", "store", COMMAND], &["", "store"]),
            ("another after authctl", &["", COMMAND, "cache"], &["cache"]),
        ] {
            assert_eq!(carried_out(present, true), without, "{name}");
            let with: Vec<&str> = without.iter().copied().chain(["", COMMAND]).collect();
            assert_eq!(carried_out(present, false), with, "{name}");
        }
    }
}
