//! One change to another program's configuration.

use std::path::PathBuf;
use std::time::Duration;

use super::error::SetupError;
use super::git_key::GitKey;
use super::link::{is_link_to, make_link};
use crate::app::App;
use crate::error::Error;
use crate::os::user_file;
use crate::os::user_file::Owner;
use crate::ports::{ProcessError, Program};
use crate::text::difference::changed_lines;
use crate::text::shell;
use crate::text::style::{FAINT, styled};
use crate::text::untrusted::escaped;

/// git and kubectl only change a file, which takes no time.
const COMMAND_DEADLINE: Duration = Duration::from_secs(30);

pub(super) enum Change {
    /// New text for one of the other program's files.
    File {
        path: PathBuf,
        before: Option<String>,
        /// The existing text, normalised. Only lines that really change are shown, because the others may be secret.
        shown: Option<String>,
        with: Option<String>,
        without: Option<String>,
    },
    /// A link to authctl with the name that the other program runs.
    Link { path: PathBuf, program: PathBuf },
    /// A command that makes the change and one that reverts it. Either may replace one of the files.
    Command { with: Vec<String>, without: Vec<String>, files: Vec<PathBuf> },
    /// The values of one of git's keys.
    Git(GitKey),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Make,
    Undo,
}

impl Change {
    /// Describes the change for the user.
    pub(super) fn describe(&self, way: Way) -> String {
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
                    Way::Make => format!("{path}\n  link to {}\n", escaped(&program.display().to_string())),
                    Way::Undo => format!("{path}\n  remove the link\n"),
                }
            }
            Self::Command { .. } | Self::Git(_) => {
                let commands = self.commands(way);
                if commands.is_empty() {
                    let key = if let Self::Git(git) = self { git.key.as_str() } else { "" };
                    return format!("{key}\n{}", done());
                }
                commands.iter().map(|command| format!("{}\n", shell::line(command))).collect()
            }
        }
    }

    /// Whether there is nothing to do.
    pub(super) fn is_done(&self, way: Way) -> bool {
        match self {
            Self::File { before, with, without, .. } => {
                before == if way == Way::Make { with } else { without }
            }
            Self::Link { path, program } => (way == Way::Make) == is_link_to(path, program),
            Self::Command { .. } => false,
            Self::Git(_) => self.commands(way).is_empty(),
        }
    }

    fn commands(&self, way: Way) -> Vec<Vec<String>> {
        match self {
            Self::Command { with, without, .. } => {
                vec![if way == Way::Make { with.clone() } else { without.clone() }]
            }
            Self::Git(key) => key.commands(way == Way::Undo),
            _ => Vec::new(),
        }
    }

    /// The files that the commands may replace.
    fn files(&self) -> &[PathBuf] {
        match self {
            Self::Command { files, .. } => files,
            Self::Git(key) => &key.files,
            _ => &[],
        }
    }

    pub(super) fn carry_out(&self, app: &App<'_>, way: Way) -> Result<(), Error> {
        match self {
            Self::File { path, before, with, without, .. } => {
                let after = if way == Way::Make { with } else { without };
                user_file::replace(path, before.as_deref(), after.as_deref())
                    .map_err(|error| SetupError::step(path, "write")(error).into())
            }
            Self::Link { path, program } if way == Way::Make => Ok(make_link(path, program)?),
            Self::Link { path, .. } => {
                std::fs::remove_file(path).map_err(|error| SetupError::step(path, "remove")(error).into())
            }
            Self::Command { .. } | Self::Git(_) => {
                if let (Self::Command { files, .. }, Way::Make) = (self, way)
                    && let Some(folder) = files.first().and_then(|file| file.parent())
                {
                    user_file::make_folder(folder).map_err(SetupError::step(folder, "create"))?;
                }
                let owners = owners(self.files())?;
                let ran = self
                    .commands(way)
                    .iter()
                    .try_for_each(|command| output(app, command).map(drop).map_err(SetupError::Command));
                for (path, owner) in owners {
                    let failed = |reason| SetupError::OwnerNotRestored { path: path.clone(), reason };
                    owner.restore().map_err(failed)?;
                }
                Ok(ran?)
            }
        }
    }
}

/// Returns the owners to restore after another program replaced the files (F-HLP7).
///
/// # Errors
/// [`SetupError::Untouched`] if one is not a regular file: the other program could wait forever on a pipe.
pub(super) fn owners(files: &[PathBuf]) -> Result<Vec<(&PathBuf, Owner)>, SetupError> {
    let mut owners = Vec::new();
    for path in files {
        let failed = |reason| SetupError::Untouched { path: path.clone(), action: "change", reason };
        let owner = Owner::of(path).map_err(failed)?;
        owners.extend(owner.map(|owner| (path, owner)));
    }
    Ok(owners)
}

/// Runs another program's command and returns its output.
pub(super) fn output(app: &App<'_>, command: &[String]) -> Result<String, ProcessError> {
    let withheld = &app.config.secret_variables();
    let program = Program { command, timeout: COMMAND_DEADLINE, withheld, input: None };
    app.system.processes.output(&program).map(|text| text.expose().to_owned())
}
