//! Configures other programs to use authctl: shows the changes to their configuration, makes them and reverts them.

mod block;
mod change;
mod error;
mod git_key;
mod link;
mod syntax;

use std::path::PathBuf;

pub(super) use self::block::block;
use self::change::{Change, Way, output, owners};
pub(super) use self::error::SetupError;
use self::git_key::GitKey;
use self::link::{is_private, split_paths};
pub(super) use self::syntax::{bazel_word, command_line, csv_field, ini_value};
use crate::app::App;
use crate::error::Error;
use crate::os::user_file;
use crate::ports::ProcessError;
use crate::text::shell;
use crate::text::style::{GOOD, STRONG, styled};

/// The changes that make another program use authctl.
pub struct Plan {
    about: &'static str,
    changes: Vec<Change>,
    then: Vec<String>,
    /// Why the changes cannot be made. They can still be reverted.
    refused: Option<SetupError>,
}

impl Plan {
    pub(super) fn new(about: &'static str) -> Self {
        Self { about, changes: Vec::new(), then: Vec::new(), refused: None }
    }

    /// Returns authctl's path, for other programs to run.
    pub(super) fn program(&self, app: &App<'_>) -> Result<String, Error> {
        let program = app.system.environment.program();
        let program = program.ok_or(SetupError::NoProgramPath)?;
        Ok(program.display().to_string())
    }

    /// Returns the start of the command that other programs run, with the options that select this configuration.
    pub(super) fn command(&self, app: &App<'_>) -> Result<Vec<String>, Error> {
        let mut words = vec![self.program(app)?];
        if let Some(config) = &app.options.config {
            let path = std::path::absolute(config).unwrap_or_else(|_| config.clone());
            words.extend(["--config".to_owned(), path.display().to_string()]);
        }
        if let Some(profile) = &app.options.profile {
            words.extend(["--profile".to_owned(), profile.clone()]);
        }
        Ok(words)
    }

    pub(super) fn home(&self, app: &App<'_>) -> Result<PathBuf, Error> {
        app.system.paths.home().ok_or_else(|| SetupError::NoHome.into())
    }

    /// Adds a link to authctl on PATH: beside authctl if the user owns that folder, else in `~/.local/bin`.
    pub(super) fn link(&mut self, app: &App<'_>, name: &str) -> Result<PathBuf, Error> {
        let program = PathBuf::from(self.program(app)?);
        let path = app.system.environment.variable("PATH").unwrap_or_default();
        let on_path: Vec<PathBuf> = split_paths(&path);
        let beside = program.parent().filter(|folder| on_path.iter().any(|on_path| on_path == folder));
        let folder = match beside.filter(|folder| is_private(folder)) {
            Some(folder) => folder.to_owned(),
            None => self.home(app)?.join(".local/bin"),
        };
        if !on_path.contains(&folder) {
            self.then.push(format!("export PATH={}:\"$PATH\"", shell::word(&folder.display().to_string())));
        }
        let link = folder.join(if cfg!(windows) { format!("{name}.exe") } else { name.to_owned() });
        self.link_at(app, link.clone())?;
        Ok(link)
    }

    pub(super) fn link_at(&mut self, app: &App<'_>, path: PathBuf) -> Result<(), Error> {
        let options = app.options;
        if options.config.is_some() || options.profile.is_some() {
            return Err(SetupError::TakesNoOptions.into());
        }
        let program = PathBuf::from(self.program(app)?);
        self.changes.push(Change::Link { path, program });
        Ok(())
    }

    /// Adds a change to a text file. `change` returns the text with authctl's lines, or, for an undo, without them.
    pub(super) fn edit(
        &mut self,
        path: PathBuf,
        change: impl Fn(Option<&str>, bool) -> Result<Option<String>, SetupError>,
    ) -> Result<(), Error> {
        self.edit_normalised(path, |text| text.to_owned(), change)
    }

    /// Like `edit`, for a file that is rewritten as a whole: `normalise` formats the existing text in the same way.
    pub(super) fn edit_normalised(
        &mut self,
        path: PathBuf,
        normalise: impl Fn(&str) -> String,
        change: impl Fn(Option<&str>, bool) -> Result<Option<String>, SetupError>,
    ) -> Result<(), Error> {
        let unreadable = |reason| SetupError::Untouched { path: path.clone(), action: "read", reason };
        let before = user_file::read(&path).map_err(unreadable)?;
        let without = change(before.as_deref(), true)?;
        let with = match change(before.as_deref(), false) {
            Ok(with) => with,
            Err(error) => {
                self.refused.get_or_insert(error);
                before.clone()
            }
        };
        let shown = before.as_deref().map(normalise);
        self.changes.push(Change::File { path, before, shown, with, without });
        Ok(())
    }

    /// Adds commands of another program, which may replace the files.
    pub(super) fn run(&mut self, with: Vec<String>, without: Vec<String>, files: Vec<PathBuf>) {
        self.changes.push(Change::Command { with, without, files });
    }

    /// Adds values to a key in git's global configuration, which git itself changes.
    pub(super) fn git_entry(&mut self, app: &App<'_>, key: &str, wanted: &[&str]) -> Result<(), Error> {
        let files = self.git_files(app)?;
        // git would wait forever on a pipe.
        owners(&files)?;
        let get = ["git", "config", "--global", "--null", "--get-all", key].map(str::to_owned);
        let present = match output(app, &get) {
            Ok(text) => text.split_terminator('\0').map(str::to_owned).collect(),
            // Status 1: the key has no value, or the file does not exist.
            Err(ProcessError::Failed { .. }) => Vec::new(),
            Err(error) => return Err(SetupError::NoGit(error).into()),
        };
        let wanted = wanted.iter().map(|&value| value.to_owned()).collect();
        self.changes.push(Change::Git(GitKey { key: key.to_owned(), present, wanted, files }));
        Ok(())
    }

    /// Returns the files of git's global configuration (git-config(1)).
    fn git_files(&self, app: &App<'_>) -> Result<Vec<PathBuf>, Error> {
        let set = |name: &str| app.system.environment.variable(name).filter(|value| !value.is_empty());
        if let Some(path) = set("GIT_CONFIG_GLOBAL") {
            return Ok(vec![PathBuf::from(path)]);
        }
        let home = self.home(app)?;
        let folder = set("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), PathBuf::from);
        Ok(vec![home.join(".gitconfig"), folder.join("git/config")])
    }

    /// Returns a part of a change. If it cannot be made, the plan is refused, but `--undo` still works.
    pub(super) fn or_refuse(&mut self, part: Result<String, SetupError>) -> String {
        part.unwrap_or_else(|error| {
            self.refused.get_or_insert(error);
            String::new()
        })
    }

    /// Returns the plan, if its changes can be made.
    fn feasible(mut self) -> Result<Self, SetupError> {
        self.refused.take().map_or(Ok(self), Err)
    }

    /// Adds a command that the user runs afterwards.
    pub(super) fn then(&mut self, command: impl Into<String>) {
        self.then.push(command.into());
    }
}

pub fn show(app: &App<'_>, plan: Plan) -> Result<(), Error> {
    let plan = plan.feasible()?;
    let console = &app.system.console;
    let mut text = format!("{}\n", styled(STRONG, plan.about));
    for change in &plan.changes {
        text.push('\n');
        text.push_str(&change.describe(Way::Make));
    }
    text.push_str("\nRun this with `--write` to make these changes, or with `--undo` to revert them.\n");
    if !plan.then.is_empty() {
        text.push_str("Then:\n");
        plan.then.iter().for_each(|command| text.push_str(&format!("    {command}\n")));
    }
    Ok(console.show(&text)?)
}

/// Makes the changes and shows each one. Stops at the first that fails.
pub fn write(app: &App<'_>, plan: Plan) -> Result<(), Error> {
    let plan = plan.feasible()?;
    carry_out(app, &plan, Way::Make)?;
    let console = &app.system.console;
    if !plan.then.is_empty() {
        console.say("Then:");
        plan.then.iter().for_each(|command| console.say(format_args!("    {command}")));
    }
    Ok(())
}

/// Reverts the changes and shows each one. Stops at the first that fails.
pub fn undo(app: &App<'_>, plan: Plan) -> Result<(), Error> {
    carry_out(app, &plan, Way::Undo)
}

fn carry_out(app: &App<'_>, plan: &Plan, way: Way) -> Result<(), Error> {
    let console = &app.system.console;
    for change in &plan.changes {
        let description = change.describe(way);
        console.say(description.trim_end());
        if change.is_done(way) {
            continue;
        }
        change.carry_out(app, way)?;
        console.say(format_args!("  {} done", styled(GOOD, "✓")));
    }
    Ok(())
}
