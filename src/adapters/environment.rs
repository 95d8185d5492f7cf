//! The process's environment.

use std::path::PathBuf;

use crate::adapters::processes::program;
use crate::ports::Environment;

pub struct ProcessEnvironment;

#[expect(clippy::disallowed_methods, reason = "this is the environment")]
impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file_variable(&self, name: &str) -> Option<PathBuf> {
        std::env::var_os(name).map(PathBuf::from)
    }

    fn variables(&self) -> Vec<(String, String)> {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    fn current_folder(&self) -> Option<PathBuf> {
        std::env::current_dir().ok()
    }

    fn program(&self) -> Option<PathBuf> {
        let this = std::env::current_exe().ok()?;
        let on_path = program::find("authctl").filter(|found| {
            found.canonicalize().is_ok_and(|found| this.canonicalize().is_ok_and(|this| this == found))
        });
        on_path.or(Some(this))
    }
}
