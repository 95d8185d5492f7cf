//! Finds programs on PATH.

use std::path::{Path, PathBuf};

use crate::os::program::is_program;
use crate::ports::Environment;

/// Returns every program with this name on PATH, in order. Relative entries are skipped, as they are when authctl runs a
/// program (F-URL4).
pub fn all(environment: &dyn Environment, name: &str) -> Vec<PathBuf> {
    let path = environment.variable("PATH").unwrap_or_default();
    let suffixes: &[&str] = if cfg!(windows) { &["", ".exe"] } else { &[""] };
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .flat_map(|folder| suffixes.iter().map(move |suffix| folder.join(format!("{name}{suffix}"))))
        .filter(|candidate| is_program(candidate))
        .collect()
}

/// Returns the program that a command's first word selects.
pub fn program(environment: &dyn Environment, word: &str) -> Option<PathBuf> {
    let written = Path::new(word);
    if written.is_absolute() {
        return is_program(written).then(|| written.to_owned());
    }
    (written.components().count() == 1).then(|| all(environment, word).into_iter().next()).flatten()
}

/// Whether PATH has relative entries, which make other programs search the working folder.
pub fn has_relative_parts(environment: &dyn Environment) -> bool {
    let path = environment.variable("PATH").unwrap_or_default();
    !path.is_empty() && std::env::split_paths(&path).any(|folder| !folder.is_absolute())
}
