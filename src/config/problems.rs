//! What is wrong with a configuration.

use super::merged::{Config, ConfigError};
use crate::schema::Problem;

impl Config {
    /// Everything that is wrong, of all layers and providers.
    #[must_use]
    pub fn all_problems(&self) -> Vec<Problem> {
        let mut problems = self.problems.clone();
        problems.extend(self.project_problems.iter().cloned());
        problems.extend(self.loose_problems.iter().cloned());
        if self.credentials.is_empty() && problems.is_empty() {
            problems.push(self.nothing_configured());
        }
        problems.extend(self.check_default());
        problems.extend(self.client_id_metadata().err().into_iter().flat_map(|error| error.0));
        for name in self.credentials.keys() {
            problems.extend(self.provider(name).err().into_iter().flat_map(|error| error.0));
        }
        problems
    }

    /// Fails if a file is not usable at all. Commands that must always work may ignore a project file.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn check_files(&self, with_project: bool) -> Result<(), ConfigError> {
        let mut problems = self.problems.clone();
        if with_project {
            problems.extend(self.project_problems.iter().cloned());
        }
        if problems.is_empty() { Ok(()) } else { Err(ConfigError(problems)) }
    }
}
