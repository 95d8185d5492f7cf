//! Builds message bodies.

use zeroize::Zeroizing;

/// Builds a message body: little-endian, each value aligned to its size.
#[derive(Default)]
pub(crate) struct Writer(pub(super) Zeroizing<Vec<u8>>);

impl Writer {
    pub(crate) fn align(&mut self, boundary: usize) {
        let padded = self.0.len().next_multiple_of(boundary);
        self.0.resize(padded, 0);
    }

    pub(crate) fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn boolean(&mut self, value: bool) {
        self.word(u32::from(value));
    }

    pub(crate) fn word(&mut self, value: u32) {
        self.align(4);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// A string or an object path.
    pub(crate) fn text(&mut self, text: &str) {
        self.word(length(text.len()));
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
    }

    pub(crate) fn signature(&mut self, signature: &str) {
        self.0.push(signature.len().try_into().unwrap_or(u8::MAX));
        self.0.extend_from_slice(signature.as_bytes());
        self.0.push(0);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.word(length(bytes.len()));
        self.0.extend_from_slice(bytes);
    }

    /// An array whose elements are aligned to `boundary`.
    pub(crate) fn array(&mut self, boundary: usize, elements: impl FnOnce(&mut Self)) {
        self.word(0);
        let length_at = self.0.len() - 4;
        self.align(boundary);
        let start = self.0.len();
        elements(self);
        let size = length(self.0.len() - start);
        self.0[length_at..length_at + 4].copy_from_slice(&size.to_le_bytes());
    }

    /// A dictionary of strings, `a{ss}`.
    pub(crate) fn dictionary(&mut self, entries: &[(&str, &str)]) {
        self.array(8, |array| {
            for (name, value) in entries {
                array.align(8);
                array.text(name);
                array.text(value);
            }
        });
    }

    pub(crate) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

pub(super) fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
