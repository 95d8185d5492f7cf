//! The operating system's random numbers.

use ring::rand::{SecureRandom as _, SystemRandom as RingRandom};

use crate::ports::Random;

pub struct SystemRandom;

impl Random for SystemRandom {
    /// Fills the buffer. Nothing is safe on a system without randomness, so the process ends.
    #[expect(clippy::expect_used, reason = "nothing works without it")]
    fn fill(&self, buffer: &mut [u8]) {
        RingRandom::new().fill(buffer).expect("the operating system has no random numbers");
    }
}
