//! Tells other programs of us: what is to be changed in their configuration, shown, made and taken back.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use similar::{ChangeTag, TextDiff};

use crate::commands::Invocation;
use crate::console::{FAINT, GOOD, STRONG, styled};
use crate::error::Error;
use crate::foreign::escaped;
use crate::ports::{ProcessError, Program};

/// A configuration file of another program is not longer.
const LONGEST_FILE: u64 = 4 << 20;
/// git and kubectl change a file of their own: that takes no time.
const COMMAND_DEADLINE: Duration = Duration::from_secs(30);

/// What is to be changed so that another program asks here.
pub struct Plan {
    about: &'static str,
    changes: Vec<Change>,
    then: Vec<String>,
}

enum Change {
    /// A text in a file of the other program.
    File {
        path: PathBuf,
        before: Option<String>,
        /// What is there already, written as we write it: only what really changes is shown, for the rest may be secret.
        shown: Option<String>,
        with: Option<String>,
        without: Option<String>,
    },
    /// A link to this program, by the name that the other one calls.
    Link { path: PathBuf, program: PathBuf },
    /// A command that makes the change, and the one that takes it back.
    Command { with: Vec<String>, without: Vec<String> },
    /// The values of a key of git's.
    Git { key: String, present: Vec<String>, wanted: Vec<String> },
}

/// Which way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Make,
    Undo,
}

impl Plan {
    pub(super) fn new(about: &'static str) -> Self {
        Self { about, changes: Vec::new(), then: Vec::new() }
    }

    /// This program, as other programs are to call it.
    pub(super) fn program(&self, invocation: &Invocation<'_>) -> Result<String, Error> {
        let program = invocation.system.environment.program();
        let program = program
            .ok_or_else(|| Error::failed("this program's own path is not known", "install it on PATH"))?;
        Ok(program.display().to_string())
    }

    pub(super) fn home(&self, invocation: &Invocation<'_>) -> Result<PathBuf, Error> {
        invocation
            .system
            .paths
            .home()
            .ok_or_else(|| Error::failed("your home folder is not known", "set HOME"))
    }

    /// A link to this program on PATH: beside it where that is ours, else in `~/.local/bin`.
    pub(super) fn link(&mut self, invocation: &Invocation<'_>, name: &str) -> Result<PathBuf, Error> {
        let program = PathBuf::from(self.program(invocation)?);
        let path = invocation.system.environment.variable("PATH").unwrap_or_default();
        let on_path: Vec<PathBuf> = split_paths(&path);
        let beside = program.parent().filter(|folder| on_path.iter().any(|on_path| on_path == folder));
        let folder = match beside.filter(|folder| is_ours(folder)) {
            Some(folder) => folder.to_owned(),
            None => self.home(invocation)?.join(".local/bin"),
        };
        if !on_path.contains(&folder) {
            self.then.push(format!("export PATH={}:\"$PATH\"", shell_word(&folder.display().to_string())));
        }
        let link = folder.join(if cfg!(windows) { format!("{name}.exe") } else { name.to_owned() });
        self.link_at(invocation, link.clone())?;
        Ok(link)
    }

    pub(super) fn link_at(&mut self, invocation: &Invocation<'_>, path: PathBuf) -> Result<(), Error> {
        let program = PathBuf::from(self.program(invocation)?);
        self.changes.push(Change::Link { path, program });
        Ok(())
    }

    /// A change of a text file: what it is with the change, and what it is without.
    pub(super) fn edit(
        &mut self,
        path: PathBuf,
        change: impl Fn(Option<&str>, bool) -> Result<Option<String>, Error>,
    ) -> Result<(), Error> {
        self.edit_normalised(path, |text| text.to_owned(), change)
    }

    /// The same for a file that is written anew as a whole: `normalise` writes what is there as we do.
    pub(super) fn edit_normalised(
        &mut self,
        path: PathBuf,
        normalise: impl Fn(&str) -> String,
        change: impl Fn(Option<&str>, bool) -> Result<Option<String>, Error>,
    ) -> Result<(), Error> {
        let before = match crate::ports::read_text(&path, LONGEST_FILE) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                let message = format!("{} cannot be read: {error}", escaped(&path.display().to_string()));
                return Err(Error::failed(message, "nothing was changed"));
            }
        };
        let with = change(before.as_deref(), false)?;
        let without = change(before.as_deref(), true)?;
        let shown = before.as_deref().map(normalise);
        self.changes.push(Change::File { path, before, shown, with, without });
        Ok(())
    }

    pub(super) fn run(&mut self, with: Vec<String>, without: Vec<String>) {
        self.changes.push(Change::Command { with, without });
    }

    /// Values of a key in git's global configuration, which git itself changes.
    pub(super) fn git_entry(
        &mut self,
        invocation: &Invocation<'_>,
        key: &str,
        wanted: &[&str],
    ) -> Result<(), Error> {
        let get = words(&["git", "config", "--global", "--null", "--get-all", key]);
        let present = match output(invocation, &get) {
            Ok(text) => text.split_terminator('\0').map(str::to_owned).collect(),
            // Status 1: the key has no value, or there is no such file.
            Err(ProcessError::Failed { .. }) => Vec::new(),
            Err(error) => return Err(Error::failed(error.to_string(), "is git installed?")),
        };
        let wanted = wanted.iter().map(|&value| value.to_owned()).collect();
        self.changes.push(Change::Git { key: key.to_owned(), present, wanted });
        Ok(())
    }

    /// What is left to do by hand.
    pub(super) fn then(&mut self, command: impl Into<String>) {
        self.then.push(command.into());
    }
}

/// Shows a plan.
///
/// # Errors
/// [`Error::Output`].
pub fn show(invocation: &Invocation<'_>, plan: Plan) -> Result<(), Error> {
    let console = &invocation.system.console;
    let mut text = format!("{}\n", styled(STRONG, plan.about));
    for change in &plan.changes {
        text.push('\n');
        text.push_str(&change.describe(Way::Make));
    }
    text.push_str("\nThe same with `--write` does this, with `--undo` takes it back.\n");
    if !plan.then.is_empty() {
        text.push_str("Then:\n");
        plan.then.iter().for_each(|command| text.push_str(&format!("    {command}\n")));
    }
    Ok(console.show(&text)?)
}

/// Makes the changes, each shown.
///
/// # Errors
/// [`Error::Failed`] at the first that cannot be made.
pub fn write(invocation: &Invocation<'_>, plan: Plan) -> Result<(), Error> {
    carry_out(invocation, &plan, Way::Make)?;
    let console = &invocation.system.console;
    if !plan.then.is_empty() {
        console.say("Then:");
        plan.then.iter().for_each(|command| console.say(format_args!("    {command}")));
    }
    Ok(())
}

/// Takes the changes back, each shown.
///
/// # Errors
/// [`Error::Failed`] at the first that cannot be taken back.
pub fn undo(invocation: &Invocation<'_>, plan: Plan) -> Result<(), Error> {
    carry_out(invocation, &plan, Way::Undo)
}

fn carry_out(invocation: &Invocation<'_>, plan: &Plan, way: Way) -> Result<(), Error> {
    let console = &invocation.system.console;
    for change in &plan.changes {
        let description = change.describe(way);
        console.say(description.trim_end());
        if change.is_done(way) {
            continue;
        }
        change.carry_out(invocation, way)?;
        console.say(format_args!("  {} done", styled(GOOD, "✓")));
    }
    Ok(())
}

impl Change {
    fn describe(&self, way: Way) -> String {
        let done = || styled(FAINT, "  nothing to do\n");
        match self {
            Self::File { path, shown, with, without, .. } => {
                let after = if way == Way::Make { with } else { without };
                let mut text = format!("{}\n", escaped(&path.display().to_string()));
                let lines =
                    changed_lines(shown.as_deref().unwrap_or_default(), after.as_deref().unwrap_or_default());
                if lines.is_empty() {
                    text.push_str(&done())
                } else {
                    text.push_str(&lines)
                }
                text
            }
            Self::Link { path, program } => {
                let path = escaped(&path.display().to_string());
                match way {
                    _ if self.is_done(way) => format!("{path}\n{}", done()),
                    Way::Make => format!("{path}\n  a link to {}\n", escaped(&program.display().to_string())),
                    Way::Undo => format!("{path}\n  the link is removed\n"),
                }
            }
            Self::Command { .. } | Self::Git { .. } => {
                let commands = self.commands(way);
                if commands.is_empty() {
                    let key = if let Self::Git { key, .. } = self { key.as_str() } else { "" };
                    return format!("{key}\n{}", done());
                }
                commands.iter().map(|command| format!("{}\n", shell_line(command))).collect()
            }
        }
    }

    fn is_done(&self, way: Way) -> bool {
        match self {
            Self::File { before, with, without, .. } => {
                before == if way == Way::Make { with } else { without }
            }
            Self::Link { path, program } => (way == Way::Make) == is_link_to(path, program),
            Self::Command { .. } => false,
            Self::Git { .. } => self.commands(way).is_empty(),
        }
    }

    /// The commands to run.
    fn commands(&self, way: Way) -> Vec<Vec<String>> {
        match self {
            Self::Command { with, without } => {
                vec![if way == Way::Make { with.clone() } else { without.clone() }]
            }
            Self::Git { key, present, wanted } => {
                let ours = present.iter().any(|value| is_ours_in_git(value));
                let current = present.ends_with(wanted);
                let unset =
                    |pattern: &str| words(&["git", "config", "--global", "--unset-all", key, pattern]);
                let mut commands = Vec::new();
                if ours && (way == Way::Undo || !current) {
                    commands.push(unset(OURS_IN_GIT));
                    // The reset that stands before ours.
                    if present.iter().any(String::is_empty) {
                        commands.push(unset("^$"));
                    }
                }
                if way == Way::Make && !current {
                    commands.extend(
                        wanted.iter().map(|value| words(&["git", "config", "--global", "--add", key, value])),
                    );
                }
                commands
            }
            _ => Vec::new(),
        }
    }

    fn carry_out(&self, invocation: &Invocation<'_>, way: Way) -> Result<(), Error> {
        match self {
            Self::File { path, with, without, .. } => {
                let after = if way == Way::Make { with } else { without };
                replace(path, after.as_deref())
                    .map_err(|error| failed(format!("{} cannot be written: {error}", path.display())))
            }
            Self::Link { path, program } if way == Way::Make => make_link(path, program),
            Self::Link { path, .. } => std::fs::remove_file(path)
                .map_err(|error| failed(format!("{} cannot be removed: {error}", path.display()))),
            Self::Command { .. } | Self::Git { .. } => {
                for command in self.commands(way) {
                    output(invocation, &command).map_err(|error| failed(error.to_string()))?;
                }
                Ok(())
            }
        }
    }
}

fn failed(message: String) -> Error {
    Error::failed(escaped(&message), "what is not marked as done was not changed")
}

/// Our value among those of git's key.
const OURS_IN_GIT: &str = " helper git$";

fn is_ours_in_git(value: &str) -> bool {
    value.starts_with('!') && value.ends_with(" helper git")
}

fn output(invocation: &Invocation<'_>, command: &[String]) -> Result<String, ProcessError> {
    let withheld = &invocation.system.secret_variables;
    let program = Program { command, timeout: COMMAND_DEADLINE, withheld, input: None };
    invocation.system.processes.output(&program).map(|text| text.expose().to_owned())
}

/// Only the lines that change: those around them may hold secrets.
fn changed_lines(before: &str, after: &str) -> String {
    let difference = TextDiff::from_lines(before, after);
    let mut text = String::new();
    for change in difference.iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Equal => continue,
            ChangeTag::Delete => "-",
            ChangeTag::Insert => "+",
        };
        text.push_str(&format!(
            "  {sign} {}\n",
            escaped(&change.value().trim_end_matches('\n').replace('\t', "    "))
        ));
    }
    text
}

/// Writes a file anew, as a whole or not at all; a file that is a link, as in a folder of dotfiles, stays one. Its
/// permissions stay; a new file is for its owner alone.
fn replace(path: &Path, text: Option<&str>) -> std::io::Result<()> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let Some(text) = text else { return std::fs::remove_file(path) };
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Ok(metadata) = std::fs::metadata(&path) {
        file.as_file().set_permissions(metadata.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn make_link(path: &Path, program: &Path) -> Result<(), Error> {
    let shown = escaped(&path.display().to_string());
    if let Ok(metadata) = std::fs::symlink_metadata(path) {
        // A link to an authctl that has moved is ours; anything else is somebody's.
        let target = std::fs::read_link(path).unwrap_or_default();
        let ours = metadata.is_symlink() && target.file_name() == program.file_name();
        if !ours {
            return Err(Error::failed(
                format!("{shown} is there already, and is not ours"),
                "remove or rename it first",
            ));
        }
        std::fs::remove_file(path).map_err(|error| failed(format!("{shown} cannot be replaced: {error}")))?;
    }
    let linked = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| link(program, path));
    linked.map_err(|error| failed(format!("{shown} cannot be made: {error}")))
}

#[cfg(unix)]
fn link(program: &Path, path: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(program, path)
}

/// Links need a privilege on Windows; a second name for the same file does not, and a copy works everywhere.
#[cfg(not(unix))]
fn link(program: &Path, path: &Path) -> std::io::Result<()> {
    std::fs::hard_link(program, path).or_else(|_| std::fs::copy(program, path).map(drop))
}

fn is_link_to(path: &Path, program: &Path) -> bool {
    let same = |one: &Path, other: &Path| {
        one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
    };
    if cfg!(unix) {
        std::fs::read_link(path).is_ok_and(|target| target == program)
            || (path.is_symlink() && same(path, program))
    } else {
        path.exists()
    }
}

/// Whether we may write into a folder, and nobody else but root may.
#[cfg(unix)]
fn is_ours(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(folder).is_ok_and(|metadata| {
        metadata.is_dir()
            && metadata.uid() == rustix::process::geteuid().as_raw()
            && metadata.mode() & 0o022 == 0
    })
}

#[cfg(not(unix))]
fn is_ours(folder: &Path) -> bool {
    folder.is_dir()
}

fn split_paths(path: &str) -> Vec<PathBuf> {
    std::env::split_paths(path).filter(|folder| folder.is_absolute()).collect()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// A text with our block of lines at its end, between two marks; or without it. The label tells blocks apart.
pub(super) fn block(text: Option<&str>, label: &str, lines: &[String], undo: bool) -> Option<String> {
    let (begin, end) = (format!("# begin: authctl {label}"), format!("# end: authctl {label}"));
    let mut kept = Vec::new();
    let mut inside = false;
    for line in text.unwrap_or_default().lines() {
        match line {
            line if line == begin => inside = true,
            line if line == end && inside => inside = false,
            line if !inside => kept.push(line),
            _ => {}
        }
    }
    if !undo && !lines.is_empty() {
        kept.push(&begin);
        kept.extend(lines.iter().map(String::as_str));
        kept.push(&end);
    }
    if kept.is_empty() {
        text.filter(|text| text.is_empty()).map(str::to_owned)
    } else {
        Some(kept.join("\n") + "\n")
    }
}

/// A word as a POSIX shell reads it back.
#[must_use]
pub fn shell_word(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=@,+%".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn shell_line(command: &[String]) -> String {
    command.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_comes_and_goes() {
        let lines = ["one".to_owned(), "two".to_owned()];
        let with = "a\n# begin: authctl x\none\ntwo\n# end: authctl x\n";
        for (name, before, undo, after) in [
            ("into nothing", None, false, Some("# begin: authctl x\none\ntwo\n# end: authctl x\n")),
            ("behind what is there", Some("a\n"), false, Some(with)),
            ("twice is once", Some(with), false, Some(with)),
            ("taken back", Some(with), true, Some("a\n")),
            ("the last one", Some("# begin: authctl x\none\n# end: authctl x\n"), true, None),
            (
                "another's stays",
                Some("# begin: authctl y\nz\n# end: authctl y\n"),
                true,
                Some("# begin: authctl y\nz\n# end: authctl y\n"),
            ),
            ("nothing to take back", None, true, None),
        ] {
            assert_eq!(block(before, "x", &lines, undo).as_deref(), after, "{name}");
        }
    }

    #[test]
    fn words_of_a_shell() {
        for (word, want) in
            [("a-b", "a-b"), ("", "''"), ("a b", "'a b'"), ("it's", "'it'\\''s'"), ("$x", "'$x'")]
        {
            assert_eq!(shell_word(word), want, "{word}");
        }
    }

    #[test]
    fn f_hlp4_only_changed_lines_are_shown() {
        let shown = changed_lines("secret = 1\na\n", "secret = 1\nb\n");
        assert_eq!(shown, "  - a\n  + b\n");
    }
}
