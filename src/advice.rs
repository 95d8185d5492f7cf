//! Exit statuses and hints: how a failure is reported to the caller.

/// The exit status of authctl.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// 0: success.
    Done,
    /// 1: failure.
    Failed,
    /// 2: usage error.
    Usage,
    /// 3: login required.
    LoginRequired,
    /// 4: configuration error.
    Config,
    /// 5: the provider is unreachable or busy; trying again may help.
    Unreachable,
    /// 6: the token store is unavailable.
    Store,
    /// 128 plus the signal number: interrupted.
    Interrupted(i32),
    /// The status of a program that authctl ran, or that replaced it.
    Child(u8),
}

impl Status {
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

/// An error that knows its exit status and its hint. Each error enum implements this beside its variants; an error that
/// wraps another one delegates.
pub trait Advise {
    /// Returns the exit status of a command that fails with this error.
    fn status(&self) -> Status;
    /// Returns what the user can do about it.
    fn hint(&self) -> Option<String>;
}

/// Checks a table of errors: each has this exit status, and its hint contains this text. An empty text means no hint.
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
