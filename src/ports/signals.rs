//! Holding back signals such as Ctrl-C.

pub trait Signals: Send + Sync {
    /// Until the guard is dropped, signals that would end the process are only noted.
    fn hold(&self) -> Box<dyn Held>;
}

pub trait Held {
    fn caught(&self) -> Option<i32>;
}
