//! How other users can change a config file, and how to stop them.

use std::path::Path;

use crate::schema::{Origin, Problem};
use crate::text::untrusted::escaped;

/// How other users can change a config file, and how to stop them.
#[cfg_attr(not(unix), allow(dead_code, reason = "only Unix has owners and modes"))]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsafe {
    /// What is wrong, to be read after the file's path.
    pub reason: String,
    pub fix: Fix,
}

/// What stops other users from changing a config file.
#[cfg_attr(not(unix), allow(dead_code, reason = "only Unix has owners and modes"))]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fix {
    /// Run this command, which accepts the file's current contents.
    Command(String),
    /// Do this; no single command does it.
    Words(&'static str),
}

impl Fix {
    #[must_use]
    pub fn command(&self) -> Option<&str> {
        if let Self::Command(command) = self { Some(command) } else { None }
    }

    fn hint(&self) -> String {
        match self {
            Self::Command(command) => format!("check its contents, then run `{command}`"),
            Self::Words(words) => (*words).to_owned(),
        }
    }
}

impl Unsafe {
    /// The problem to report for the file at `path`.
    #[must_use]
    pub fn problem(self, path: &Path) -> Problem {
        let path = escaped(&path.display().to_string());
        Problem::new(format!("{path} {}", self.reason), &Origin::Default).hint(self.fix.hint())
    }
}
