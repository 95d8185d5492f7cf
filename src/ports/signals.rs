//! Holds Ctrl-C and its like back.

/// Holds Ctrl-C and its like back.
pub trait Signals: Send + Sync {
    /// From now until the guard is dropped, signals that would end the process are noted instead.
    fn hold(&self) -> Box<dyn Held>;
}

/// Signals that are held back.
pub trait Held {
    /// The first signal that came, by its number.
    fn caught(&self) -> Option<i32>;
}
