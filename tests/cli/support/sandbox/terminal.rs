//! A terminal whose output is captured.

use std::io;
use std::time::Duration;

use authctl::ports::{Stream, Terminal, Waiting};

use super::super::shared::Shared;

/// Both captured streams.
#[derive(Default)]
pub(super) struct Buffers {
    pub(super) out: Shared<Vec<u8>>,
    pub(super) err: Shared<Vec<u8>>,
    pub(super) watched: Shared<bool>,
    pub(super) width: Shared<Option<usize>>,
}

impl Terminal for Buffers {
    fn write(&self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        match stream {
            Stream::Out => self.out.lock().extend_from_slice(bytes),
            Stream::Err => self.err.lock().extend_from_slice(bytes),
        }
        Ok(())
    }

    fn is_terminal(&self, stream: Stream) -> bool {
        stream == Stream::Err && self.watched.get()
    }

    fn width(&self, _: Stream) -> Option<usize> {
        self.width.get()
    }

    fn wait(&self, _: &str, _: Option<Duration>) -> Box<dyn Waiting> {
        struct Nothing;
        impl Waiting for Nothing {}
        Box::new(Nothing)
    }
}
