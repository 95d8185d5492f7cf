//! Random bytes.

use jiff::Timestamp;

pub trait Random: Send + Sync {
    fn fill(&self, buffer: &mut [u8]);
}

/// What makes a request unique: the time and a source of randomness.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    pub now: Timestamp,
    pub random: &'a dyn Random,
}
