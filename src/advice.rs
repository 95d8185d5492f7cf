//! What a failure means to the caller: an exit status, and what the user can do about it.

/// How the program ended: its exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Done,
    Failed,
    /// 2: usage error.
    Usage,
    /// 3: log in first.
    LoginRequired,
    /// 4: the configuration is wrong.
    Config,
    /// 5: the provider cannot be reached or said "try later".
    Unreachable,
    /// 6: the token store cannot be used.
    Store,
    /// 128 and the signal: interrupted.
    Interrupted(i32),
    /// The status of a program that authctl ran or was replaced by.
    Child(u8),
}

impl Status {
    /// The exit status as a number.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::LoginRequired => 3,
            Self::Config => 4,
            Self::Unreachable => 5,
            Self::Store => 6,
            Self::Interrupted(signal) => 128 + u8::try_from(signal).unwrap_or(2) % 128,
            Self::Child(status) => status,
        }
    }
}

/// An error that knows its exit status and its hint. The implementation is beside the enum, and an error that wraps another
/// one asks that one.
pub trait Advise {
    /// The exit status of a command that fails with this error.
    fn status(&self) -> Status;
    /// What the user can do.
    fn hint(&self) -> Option<String>;
}

/// Checks a table of errors: each has its exit status and its hint, which contains the text, or no hint where that is empty.
#[cfg(test)]
pub(crate) fn check(table: &[(&dyn Advise, Status, &str)]) {
    for (row, (error, status, part)) in table.iter().enumerate() {
        let hint = error.hint();
        assert_eq!(error.status(), *status, "row {row}: {hint:?}");
        match (&hint, part.is_empty()) {
            (None, true) => {}
            (Some(hint), false) if hint.contains(part) => {}
            _ => panic!("row {row}: {hint:?} is not the hint {part:?}"),
        }
    }
}
