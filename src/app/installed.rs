//! What the set-up of a helper left in the configuration of another program.

/// One place in which another program is told to ask here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    pub helper: &'static str,
    /// The file, or the command that shows it.
    pub place: String,
    /// The program that is called, as it is written there.
    pub program: Option<String>,
    /// The program is found by its name: another one of that name may come first.
    pub by_name: bool,
    /// What is asked for.
    pub target: Target,
    /// Another helper, which is asked before.
    pub after: Option<String>,
}

/// What another program asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Whatever there is.
    Any,
    /// A host, and port.
    Host(String),
    Provider(String),
}

impl Installed {
    /// A program that is written with its path.
    pub fn new(
        helper: &'static str,
        place: impl Into<String>,
        program: Option<String>,
        target: Target,
    ) -> Self {
        Self { helper, place: place.into(), program, by_name: false, target, after: None }
    }

    /// A program that is found by its name on PATH.
    pub fn by_name(helper: &'static str, place: impl Into<String>, program: &str, target: Target) -> Self {
        Self { by_name: true, ..Self::new(helper, place, Some(program.to_owned()), target) }
    }
}
