//! On Windows, Ctrl-C reaches every program of the console, so there is nothing to forward.

use std::io;
use std::process::{Child, ExitStatus};

pub(crate) struct CaughtSignals;

impl CaughtSignals {
    pub(crate) fn take() -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) fn forward_to(self, _: &Child) -> Self {
        self
    }

    pub(crate) fn wait(self, child: &mut Child) -> io::Result<ExitStatus> {
        child.wait()
    }
}
