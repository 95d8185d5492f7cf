//! Forwards signals to the program that authctl runs.

#[cfg(unix)]
mod unix;
#[cfg(not(unix))]
mod windows;

#[cfg(unix)]
pub(super) use self::unix::CaughtSignals;
#[cfg(not(unix))]
pub(super) use self::windows::CaughtSignals;
