//! Programs on PATH, and who else could put some there.

use std::path::{Path, PathBuf};

use crate::os::program::is_program;
use crate::ports::Environment;

/// Every program of this name on PATH, the one that is run first. Relative parts of PATH are passed over, as they are
/// when programs are run (F-URL4).
pub fn all(environment: &dyn Environment, name: &str) -> Vec<PathBuf> {
    let path = environment.variable("PATH").unwrap_or_default();
    let suffixes: &[&str] = if cfg!(windows) { &["", ".exe"] } else { &[""] };
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .flat_map(|folder| suffixes.iter().map(move |suffix| folder.join(format!("{name}{suffix}"))))
        .filter(|candidate| is_program(candidate))
        .collect()
}

/// The program that a command's first word means.
pub fn program(environment: &dyn Environment, word: &str) -> Option<PathBuf> {
    let written = Path::new(word);
    if written.is_absolute() {
        return is_program(written).then(|| written.to_owned());
    }
    (written.components().count() == 1).then(|| all(environment, word).into_iter().next()).flatten()
}

/// The relative parts of PATH: programs of this user that search it find what lies in the working folder.
pub fn relative_parts(environment: &dyn Environment) -> bool {
    let path = environment.variable("PATH").unwrap_or_default();
    !path.is_empty() && std::env::split_paths(&path).any(|folder| !folder.is_absolute())
}
