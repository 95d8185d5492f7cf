//! What was found: of what, how bad it is, why, and how to mend it.

use crate::error::Status;

/// What is looked into, in the order in which it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// This program itself.
    Program,
    /// The configuration.
    Config,
    /// The token store.
    Store,
    Browser,
    /// The way back from the browser.
    Loopback,
    /// The way to the servers.
    Network,
    Clock,
    /// Each provider.
    Provider,
    /// The set-ups of other programs.
    Helper,
}

impl Topic {
    /// All topics.
    pub const ALL: [Self; 9] = [
        Self::Program,
        Self::Config,
        Self::Store,
        Self::Browser,
        Self::Loopback,
        Self::Network,
        Self::Clock,
        Self::Provider,
        Self::Helper,
    ];

    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Config => "config",
            Self::Store => "store",
            Self::Browser => "browser",
            Self::Loopback => "loopback",
            Self::Network => "network",
            Self::Clock => "clock",
            Self::Provider => "provider",
            Self::Helper => "helper",
        }
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Program => "Program",
            Self::Config => "Configuration",
            Self::Store => "Token store",
            Self::Browser => "Browser",
            Self::Loopback => "Redirect",
            Self::Network => "Network",
            Self::Clock => "Clock",
            Self::Provider => "Providers",
            Self::Helper => "Helpers",
        }
    }

    /// What a problem of it means for the exit status.
    fn status(self) -> Status {
        match self {
            Self::Config => Status::Config,
            Self::Store => Status::Store,
            Self::Network | Self::Provider => Status::Unreachable,
            Self::Program | Self::Browser | Self::Loopback | Self::Clock | Self::Helper => Status::Failed,
        }
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It is as it should be.
    Ok,
    /// It is worth knowing.
    Note,
    /// It works, and may not for long, or not safely.
    Warning,
    /// It does not work.
    Problem,
}

impl Severity {
    /// The name, in JSON and for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone)]
pub struct Finding {
    pub topic: Topic,
    /// What it is about: a file, a provider, a server.
    pub subject: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is so.
    pub what: String,
    /// Why that is, or why it matters.
    pub why: Option<String>,
    /// A command or an edit that mends it.
    pub mend: Option<String>,
    /// How long it took.
    pub milliseconds: Option<u64>,
    /// What it means for the exit status, if it is a problem.
    pub status: Status,
}

impl Finding {
    fn new(topic: Topic, severity: Severity, subject: impl Into<String>, what: impl Into<String>) -> Self {
        let (subject, what) = (subject.into(), what.into());
        let status = topic.status();
        Self { topic, subject, severity, what, why: None, mend: None, milliseconds: None, status }
    }

    /// Something that is as it should be.
    pub fn ok(topic: Topic, subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(topic, Severity::Ok, subject, what)
    }

    /// Something worth knowing.
    pub fn note(topic: Topic, subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(topic, Severity::Note, subject, what)
    }

    /// Something that may go wrong.
    pub fn warning(topic: Topic, subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(topic, Severity::Warning, subject, what)
    }

    /// Something that is wrong.
    pub fn problem(topic: Topic, subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(topic, Severity::Problem, subject, what)
    }

    /// The finding with its reason.
    pub fn why(self, why: impl Into<String>) -> Self {
        Self { why: Some(why.into()), ..self }
    }

    /// The finding with what mends it.
    pub fn mend(self, mend: impl Into<String>) -> Self {
        Self { mend: Some(mend.into()), ..self }
    }

    /// The finding with how long it took.
    pub fn took(self, time: std::time::Duration) -> Self {
        Self { milliseconds: u64::try_from(time.as_millis()).ok(), ..self }
    }

    /// The finding with another meaning for the exit status.
    pub fn status(self, status: Status) -> Self {
        Self { status, ..self }
    }
}

/// The exit status that all findings together mean: a wrong configuration or store keeps everything from working, so they
/// come first.
pub fn status(findings: &[Finding]) -> Status {
    let problems: Vec<Status> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Problem)
        .map(|finding| finding.status)
        .collect();
    let worst = [Status::Config, Status::Store, Status::Unreachable].into_iter();
    let otherwise = if problems.is_empty() { Status::Done } else { Status::Failed };
    worst.into_iter().find(|status| problems.contains(status)).unwrap_or(otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_problem_is_the_status() {
        let problem = |topic| Finding::problem(topic, "x", "y");
        for (name, findings, want) in [
            ("nothing", vec![], Status::Done),
            ("a warning", vec![Finding::warning(Topic::Config, "x", "y")], Status::Done),
            ("the clock", vec![problem(Topic::Clock)], Status::Failed),
            ("network and clock", vec![problem(Topic::Clock), problem(Topic::Network)], Status::Unreachable),
            ("store and network", vec![problem(Topic::Network), problem(Topic::Store)], Status::Store),
            ("all", Topic::ALL.map(problem).into(), Status::Config),
            ("changed", vec![problem(Topic::Provider).status(Status::Config)], Status::Config),
        ] {
            assert_eq!(status(&findings), want, "{name}");
        }
    }
}
