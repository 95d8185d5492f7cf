//! A finding: its subject, its severity, its cause and its fix.

use crate::error::Status;

/// A topic, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The authctl program.
    Program,
    Config,
    Store,
    Browser,
    /// The redirect from the browser.
    Loopback,
    /// The connection to the servers.
    Network,
    Clock,
    Provider,
    /// Other programs that are configured to use authctl.
    Helper,
}

impl Topic {
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

    /// The exit status for a problem with this topic.
    fn status(self) -> Status {
        match self {
            Self::Config => Status::Config,
            Self::Store => Status::Store,
            Self::Network | Self::Provider => Status::Unreachable,
            Self::Program | Self::Browser | Self::Loopback | Self::Clock | Self::Helper => Status::Failed,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// It works, but perhaps not for long or not safely.
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

#[derive(Debug, Clone)]
pub struct Finding {
    pub topic: Topic,
    /// The file, provider or server that it concerns.
    pub subject: String,
    pub severity: Severity,
    pub what: String,
    /// The cause, or why it matters.
    pub why: Option<String>,
    /// A command or change that fixes it.
    pub fix: Option<String>,
    /// How long the check took.
    pub milliseconds: Option<u64>,
    /// The exit status if it is a problem.
    pub status: Status,
}

impl Finding {
    fn new(topic: Topic, severity: Severity, subject: impl Into<String>, what: impl Into<String>) -> Self {
        let (subject, what) = (subject.into(), what.into());
        let status = topic.status();
        Self { topic, subject, severity, what, why: None, fix: None, milliseconds: None, status }
    }

    pub fn ok(topic: Topic, subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(topic, Severity::Ok, subject, what)
    }

    pub fn note(topic: Topic, subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(topic, Severity::Note, subject, what)
    }

    pub fn warning(topic: Topic, subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(topic, Severity::Warning, subject, what)
    }

    pub fn problem(topic: Topic, subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(topic, Severity::Problem, subject, what)
    }

    pub fn why(self, why: impl Into<String>) -> Self {
        Self { why: Some(why.into()), ..self }
    }

    pub fn fix(self, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..self }
    }

    pub fn took(self, time: std::time::Duration) -> Self {
        Self { milliseconds: u64::try_from(time.as_millis()).ok(), ..self }
    }

    /// Replaces the topic's exit status.
    pub fn status(self, status: Status) -> Self {
        Self { status, ..self }
    }
}

/// Returns the exit status for all findings. Problems with the configuration or the store come first, because nothing works
/// without them.
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
