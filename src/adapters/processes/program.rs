//! Finds programs, and prepares their environment.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::os::program::is_program;
use crate::os::replaceable;

/// Refuses a program that another user could have replaced, or could replace before it is started (F-URL4). Returns
/// why.
pub(crate) fn refuse_replaceable(path: &Path) -> Result<(), String> {
    match replaceable::of_program(path) {
        None => Ok(()),
        Some(how) => Err(format!("another user could replace {}: {how}", path.display())),
    }
}

/// A command whose environment has none of authctl's own variables, because they may hold secrets (F-LEAK2).
#[expect(clippy::disallowed_methods, reason = "this is where programs are started")]
pub(crate) fn command(path: &Path) -> Command {
    let mut command = Command::new(path);
    withhold_ours(&mut command);
    // A program that looks up other programs must not find them in the working folder either (F-URL4).
    if let Some(path) = std::env::var_os("PATH") {
        let absolute = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
        if let Ok(path) = std::env::join_paths(absolute) {
            command.env("PATH", path);
        }
    }
    command
}

/// Removes authctl's own variables from a program's environment.
pub(crate) fn withhold_ours(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AUTHCTL_") {
            command.env_remove(name);
        }
    }
}

/// A program's path: absolute as written, else on PATH. Empty and relative entries of PATH are skipped, because they
/// point into the working folder (F-URL4).
#[expect(clippy::disallowed_methods, reason = "this is where programs are found")]
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let written = Path::new(name);
    if written.is_absolute() {
        return Some(written.to_owned());
    }
    if written.components().count() != 1 || name.is_empty() {
        return None;
    }
    let path = std::env::var_os("PATH")?;
    let suffixes: &[&str] = if cfg!(windows) { &["", ".exe"] } else { &[""] };
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .flat_map(|folder| suffixes.iter().map(move |suffix| folder.join(format!("{name}{suffix}"))))
        .find(|candidate| is_program(candidate))
}
