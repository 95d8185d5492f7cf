//! Holding back signals such as Ctrl-C.

pub trait Signals: Send + Sync {
    /// Until the guard is dropped, signals that would end the process are only noted.
    fn hold(&self) -> Box<dyn Held>;
}

pub trait Held {
    fn caught(&self) -> Option<i32>;
}

/// Leaves signals as they are.
pub struct Unheld;

impl Signals for Unheld {
    fn hold(&self) -> Box<dyn Held> {
        Box::new(Self)
    }
}

impl Held for Unheld {
    fn caught(&self) -> Option<i32> {
        None
    }
}
