//! The values of a key in git's global configuration: ours, and those of other helpers, in their order.

use std::path::PathBuf;

/// A key with its values, and those that are ours.
pub(super) struct GitKey {
    /// The key, such as `credential.https://host.helper`.
    pub(super) key: String,
    /// Its values now.
    pub(super) present: Vec<String>,
    /// Our values, the last of them our command.
    pub(super) wanted: Vec<String>,
    /// The files that git may keep it in.
    pub(super) files: Vec<PathBuf>,
}

impl GitKey {
    /// The commands of git's that put our values behind all others, or take them away.
    pub(super) fn commands(&self, undo: bool) -> Vec<Vec<String>> {
        let is_current = self.present.ends_with(&self.wanted);
        let ours = self.present.iter().position(|value| is_ours(value));
        if undo && ours.is_none() || !undo && is_current {
            return Vec::new();
        }
        let mut commands = Vec::new();
        if let Some(at) = ours {
            // The empty value before ours is our reset; any other one is somebody else's.
            let has_reset = at > 0 && self.present[at - 1].is_empty();
            let empty = self.present.iter().filter(|value| value.is_empty()).count();
            match has_reset {
                false => commands.push(self.git("--unset-all", &[OURS])),
                true if empty == 1 => {
                    commands.extend([OURS, "^$"].map(|ours| self.git("--unset-all", &[ours])))
                }
                // git cannot name one of several equal values: the others are written again.
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

/// Our value among those of a key, for git and for us.
const OURS: &str = " helper git$";

fn is_ours(value: &str) -> bool {
    value.starts_with('!') && value.ends_with(" helper git")
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: &str = "!/bin/authctl helper git";

    /// The values after git has done what it was told.
    fn carried_out(present: &[&str], undo: bool) -> Vec<String> {
        let values = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>();
        let key = GitKey {
            key: "k".to_owned(),
            present: values(present),
            wanted: values(&["", US]),
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
    fn the_values_of_others_stay() {
        for (name, present, without) in [
            ("nothing", &[] as &[&str], &[] as &[&str]),
            ("ours", &["", US], &[]),
            ("an old one of ours", &["", "!/old/authctl helper git"], &[]),
            ("another", &["store"], &["store"]),
            ("another before ours", &["store", "", US], &["store"]),
            ("another's reset", &["", "!gh auth git-credential", "", US], &["", "!gh auth git-credential"]),
            ("another's reset alone", &["", "store", US], &["", "store"]),
            ("another behind ours", &["", US, "cache"], &["cache"]),
        ] {
            assert_eq!(carried_out(present, true), without, "{name}");
            let with: Vec<&str> = without.iter().copied().chain(["", US]).collect();
            assert_eq!(carried_out(present, false), with, "{name}");
        }
    }
}
