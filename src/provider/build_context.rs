//! What a kind knows about the provider that it builds, beside the provider's settings.

use std::path::PathBuf;

/// The provider's host and where it is configured.
#[derive(Debug, Clone)]
pub struct BuildContext {
    /// `https`, or `http` where the configuration says so.
    pub scheme: String,
    /// The host, and port, that the credential is for.
    pub domain: String,
    /// The name by which the configuration calls the kind: an alias may have defaults of its own.
    pub kind_name: String,
    /// Whether environment variables alone define the provider.
    pub defined_by_environment: bool,
    /// Where the template says that an app is registered.
    pub registration: Option<String>,
    /// The user's home, for `~/` in paths.
    pub home: Option<PathBuf>,
}
