//! The facts about a provider that a kind needs to build it, besides the provider's own settings.

use std::path::PathBuf;

/// The provider's host and where it is configured.
#[derive(Debug, Clone)]
pub struct BuildContext {
    /// `https`, or `http` if the configuration says so.
    pub scheme: String,
    /// The host, with an optional port, that the credential is for.
    pub domain: String,
    /// The kind's name in the configuration: an alias may have its own defaults.
    pub kind_name: String,
    /// Whether only environment variables define the provider.
    pub defined_by_environment: bool,
    /// Where to register an app, from the template.
    pub registration: Option<String>,
    /// The user's home folder, for `~/` in paths.
    pub home: Option<PathBuf>,
}
