//! Gives random bytes.

use jiff::Timestamp;

/// Gives random bytes.
pub trait Random: Send + Sync {
    /// Fills the buffer from the operating system's generator.
    fn fill(&self, buffer: &mut [u8]);
}

/// What makes one request unlike any other: when it is made, and chance.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    pub now: Timestamp,
    pub random: &'a dyn Random,
}
