//! Standard input, output and error, in memory.

use std::io;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::lock::lock;
use crate::ports::{Input, Stream, Terminal, Waiting};
use crate::secret::SecretText;

/// Standard input, which is not a terminal.
#[derive(Default)]
pub(super) struct Piped(Mutex<Vec<u8>>);

impl Piped {
    pub(super) fn fill(&self, bytes: &[u8]) {
        *lock(&self.0) = bytes.to_vec();
    }
}

impl Input for Piped {
    fn is_terminal(&self) -> bool {
        false
    }

    fn ask_hidden(&self, _: &str) -> io::Result<SecretText> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn ask(&self, _: &str, _: Option<&str>) -> io::Result<String> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn confirm(&self, _: &str, _: bool) -> io::Result<bool> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn read_all(&self, limit: usize) -> io::Result<SecretText> {
        let bytes = std::mem::take(&mut *lock(&self.0));
        let text = String::from_utf8(bytes).ok().filter(|text| text.len() <= limit);
        text.map(SecretText::new).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn read_within(&self, limit: usize, _: Duration) -> io::Result<SecretText> {
        self.read_all(limit)
    }

    fn lines(&self) -> io::Result<Receiver<SecretText>> {
        let (sender, receiver) = channel();
        let bytes = std::mem::take(&mut *lock(&self.0));
        for line in String::from_utf8_lossy(&bytes).lines() {
            let _ = sender.send(SecretText::new(line));
        }
        Ok(receiver)
    }
}

#[derive(Default)]
pub(super) struct Buffers {
    out: Mutex<Vec<u8>>,
    err: Mutex<Vec<u8>>,
}

impl Buffers {
    /// Takes the text that was written to a stream.
    pub(super) fn take(&self, stream: Stream) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut *lock(self.buffer(stream)))).into_owned()
    }

    fn buffer(&self, stream: Stream) -> &Mutex<Vec<u8>> {
        if stream == Stream::Out { &self.out } else { &self.err }
    }
}

impl Terminal for Buffers {
    fn write(&self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        lock(self.buffer(stream)).extend_from_slice(bytes);
        Ok(())
    }

    fn is_terminal(&self, _: Stream) -> bool {
        false
    }

    fn wait(&self, _: &str, _: Option<Duration>) -> Box<dyn Waiting> {
        struct Unseen;
        impl Waiting for Unseen {}
        Box::new(Unseen)
    }

    fn width(&self, _: Stream) -> Option<usize> {
        None
    }
}
