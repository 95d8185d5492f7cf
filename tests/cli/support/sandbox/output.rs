//! How a run of the program ended.

/// How a run ended: status and both streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub status: u8,
    pub stdout: String,
    pub stderr: String,
}

impl std::fmt::Display for Output {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "status: {}\n----- stdout -----\n{}----- stderr -----\n{}",
            self.status, self.stdout, self.stderr
        )
    }
}

impl Output {
    /// Asserts success.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 0, "{self}");
        self
    }

    /// Asserts this status.
    #[track_caller]
    pub fn fails(self, status: u8) -> Self {
        assert_eq!(self.status, status, "{self}");
        assert_eq!(self.stdout, "", "a failure prints nothing on standard output");
        self
    }

    /// Asserts that standard error contains this text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "`{text}` is not in:\n{self}");
        self
    }

    /// Standard output without its last line feed.
    pub fn text(&self) -> &str {
        self.stdout.strip_suffix('\n').unwrap_or(&self.stdout)
    }
}
