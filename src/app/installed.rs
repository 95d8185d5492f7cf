//! A helper that is set up in another program's configuration.

/// A setting that makes another program use authctl.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    pub helper: &'static str,
    /// The file that contains the setting, or the command that shows it.
    pub place: String,
    /// The program that the setting names.
    pub program: Option<String>,
    /// The program is looked up on PATH, so another program with that name may come first.
    pub by_name: bool,
    pub target: Target,
    /// Another helper that the program asks first.
    pub after: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Any,
    /// A host, with its port if that is not the default.
    Host(String),
    Provider(String),
}

impl Installed {
    /// A setting that names the program with its path.
    pub fn new(
        helper: &'static str,
        place: impl Into<String>,
        program: Option<String>,
        target: Target,
    ) -> Self {
        Self { helper, place: place.into(), program, by_name: false, target, after: None }
    }

    /// A setting that names a program on PATH.
    pub fn by_name(helper: &'static str, place: impl Into<String>, program: &str, target: Target) -> Self {
        Self { by_name: true, ..Self::new(helper, place, Some(program.to_owned()), target) }
    }
}
