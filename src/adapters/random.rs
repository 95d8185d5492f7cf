//! The operating system's random numbers.

use ring::rand::{SecureRandom as _, SystemRandom as RingRandom};

use crate::ports::Random;

/// The operating system's generator.
pub struct SystemRandom;

impl Random for SystemRandom {
    /// Fills the buffer. A system without randomness is one on which nothing here is safe: it ends.
    #[expect(clippy::expect_used, reason = "there is nothing to go on with")]
    fn fill(&self, buffer: &mut [u8]) {
        RingRandom::new().fill(buffer).expect("the operating system has no random numbers");
    }
}
