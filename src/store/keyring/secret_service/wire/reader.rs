//! Reads messages. Every length is checked, because the other side of the bus is not trusted.

use zeroize::Zeroizing;

/// The deepest accepted nesting (the specification's limit for each container type is 32).
const DEEPEST: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message bus sent something that is not D-Bus")]
pub(crate) struct Malformed;

/// Reads values, each aligned to its size.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    pub(super) position: usize,
    big_endian: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], big_endian: bool) -> Self {
        Self { bytes, position: 0, big_endian }
    }

    pub(super) fn align(&mut self, boundary: usize) -> Result<(), Malformed> {
        self.position = self.position.next_multiple_of(boundary);
        if self.position <= self.bytes.len() { Ok(()) } else { Err(Malformed) }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let end = self.position.checked_add(count).ok_or(Malformed)?;
        let taken = self.bytes.get(self.position..end).ok_or(Malformed)?;
        self.position = end;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        self.take(1).map(|byte| byte[0])
    }

    pub(crate) fn boolean(&mut self) -> Result<bool, Malformed> {
        match self.word()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    pub(crate) fn word(&mut self) -> Result<u32, Malformed> {
        self.align(4)?;
        let bytes: [u8; 4] = self.take(4)?.try_into().map_err(|_| Malformed)?;
        Ok(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// A string or an object path.
    pub(crate) fn text(&mut self) -> Result<String, Malformed> {
        let length = self.word()? as usize;
        self.terminated(length)
    }

    /// A type signature, which is ASCII (D-Bus specification, "Valid Signatures").
    pub(super) fn signature(&mut self) -> Result<String, Malformed> {
        let length = self.byte()? as usize;
        let signature = self.terminated(length)?;
        if signature.is_ascii() { Ok(signature) } else { Err(Malformed) }
    }

    fn terminated(&mut self, length: usize) -> Result<String, Malformed> {
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| Malformed)?.to_owned();
        if self.byte()? == 0 { Ok(text) } else { Err(Malformed) }
    }

    pub(crate) fn bytes(&mut self) -> Result<Zeroizing<Vec<u8>>, Malformed> {
        let length = self.word()? as usize;
        self.take(length).map(|bytes| Zeroizing::new(bytes.to_vec()))
    }

    /// An array whose elements are aligned to `boundary`, each read by `element`.
    pub(crate) fn array<T>(
        &mut self,
        boundary: usize,
        mut element: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let length = self.word()? as usize;
        self.align(boundary)?;
        let end =
            self.position.checked_add(length).filter(|&end| end <= self.bytes.len()).ok_or(Malformed)?;
        let mut elements = Vec::new();
        while self.position < end {
            self.align(boundary)?;
            elements.push(element(self)?);
        }
        if self.position == end { Ok(elements) } else { Err(Malformed) }
    }

    /// A variant of a known type: checks its signature; the caller then reads the value.
    pub(crate) fn variant(&mut self, signature: &str) -> Result<(), Malformed> {
        if self.signature()? == signature { Ok(()) } else { Err(Malformed) }
    }

    /// The start of a structure.
    pub(crate) fn structure(&mut self) -> Result<(), Malformed> {
        self.align(8)
    }

    /// Skips a variant of any type.
    pub(crate) fn skip_variant(&mut self) -> Result<(), Malformed> {
        self.skip_value("v", 0)
    }

    /// Skips the value of a signature, which must be exactly one complete type.
    pub(super) fn skip_value(&mut self, signature: &str, depth: usize) -> Result<(), Malformed> {
        let rest = self.skip(signature.as_bytes(), depth)?;
        if rest.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    /// Skips one value of the first type in `signature` and returns the rest of the signature.
    fn skip<'s>(&mut self, signature: &'s [u8], depth: usize) -> Result<&'s [u8], Malformed> {
        if depth > DEEPEST {
            return Err(Malformed);
        }
        let (kind, mut rest) = signature.split_first().ok_or(Malformed)?;
        match kind {
            b'y' => self.byte().map(drop)?,
            b'n' | b'q' => self.align(2).and_then(|()| self.take(2)).map(drop)?,
            b'b' | b'i' | b'u' | b'h' => self.word().map(drop)?,
            b'x' | b't' | b'd' => self.align(8).and_then(|()| self.take(8)).map(drop)?,
            b's' | b'o' => self.text().map(drop)?,
            b'g' => self.signature().map(drop)?,
            b'v' => {
                let inner = self.signature()?;
                self.skip_value(&inner, depth + 1)?;
            }
            b'a' => {
                let boundary =
                    if matches!(rest.first(), Some(b'x' | b't' | b'd' | b'(' | b'{')) { 8 } else { 1 };
                rest = after_complete_type(rest, depth)?;
                let length = self.word()? as usize;
                self.align(boundary)?;
                self.take(length)?;
            }
            b'(' => {
                self.align(8)?;
                while !rest.starts_with(b")") {
                    rest = self.skip(rest, depth + 1)?;
                }
                rest = &rest[1..];
            }
            _ => return Err(Malformed),
        }
        Ok(rest)
    }
}

fn after_complete_type(signature: &[u8], depth: usize) -> Result<&[u8], Malformed> {
    if depth > DEEPEST {
        return Err(Malformed);
    }
    let (kind, mut rest) = signature.split_first().ok_or(Malformed)?;
    let close = match kind {
        b'a' => return after_complete_type(rest, depth + 1),
        b'(' => b')',
        b'{' => b'}',
        kind if b"ybnqiuxtdsogvh".contains(kind) => return Ok(rest),
        _ => return Err(Malformed),
    };
    while *rest.first().ok_or(Malformed)? != close {
        rest = after_complete_type(rest, depth + 1)?;
    }
    Ok(&rest[1..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::keyring::secret_service::wire::writer::Writer;

    /// F-KR7: what is passed over is as hostile as what is read.
    #[test]
    fn only_a_complete_type_is_passed_over() {
        let deep = "a".repeat(255);
        for (name, signature, value, accepted) in [
            ("a byte", "y", &[1][..], true),
            ("an array of pairs", "a{sv}", &[0; 8], true),
            ("a structure", "(yy)", &[1, 2], true),
            ("not ASCII", "é", &[0; 8], false),
            ("not ASCII after an array", "aé", &[0; 8], false),
            ("not ASCII in a structure", "(é)", &[0; 8], false),
            ("two types", "yy", &[1, 2], false),
            ("nothing", "", &[], false),
            ("an array of nothing", "a", &[0; 8], false),
            ("an open structure", "(y", &[1], false),
            ("an open pair", "a{s", &[0; 8], false),
            ("an unknown type", "z", &[0; 8], false),
            ("an array of an unknown type", "az", &[0; 8], false),
            ("nested too deeply", &deep, &[0; 8], false),
            ("no value", "u", &[], false),
        ] {
            let mut body = Writer::default();
            body.signature(signature);
            // The longest alignment, so that every value begins where it may.
            body.align(8);
            let mut bytes = body.finish().to_vec();
            let start = bytes.len();
            bytes.extend_from_slice(value);
            let mut reader = Reader::new(&bytes, false);
            let read = reader.signature().and_then(|signature| {
                reader.position = start;
                reader.skip_value(&signature, 0)
            });
            assert_eq!(read.is_ok(), accepted, "{name}");
        }
    }
}
