//! The D-Bus wire format (D-Bus specification, "Marshaling" and "Message Format"), as much of it as the Secret Service
//! needs. Reading is bounded and checks every length, for the other side of the bus is not trusted.
//! Writing and reading stand in one file, because each is the check of the other.

use zeroize::Zeroizing;

/// A message longer than this is refused; the specification allows 128 MiB, a keyring never needs it.
const LONGEST_MESSAGE: usize = 8 << 20;
/// Containers deeper than this are refused (the specification's limit for each kind is 32).
const DEEPEST: usize = 16;

/// A message that breaks the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message bus sent something that is not D-Bus")]
pub(crate) struct Malformed;

/// Builds the body of a message: little-endian, each value aligned to its size.
#[derive(Default)]
pub(crate) struct Writer(Zeroizing<Vec<u8>>);

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

fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// A call of a method.
pub(crate) struct Call<'a> {
    pub(crate) destination: &'a str,
    pub(crate) path: &'a str,
    pub(crate) interface: &'a str,
    pub(crate) member: &'a str,
    pub(crate) signature: &'a str,
    pub(crate) body: Writer,
}

impl Call<'_> {
    /// The whole message with its header.
    pub(crate) fn message(self, serial: u32) -> Zeroizing<Vec<u8>> {
        const METHOD_CALL: u8 = 1;
        const VERSION: u8 = 1;
        let body = self.body.finish();
        let mut writer = Writer::default();
        for byte in [b'l', METHOD_CALL, 0, VERSION] {
            writer.byte(byte);
        }
        writer.word(length(body.len()));
        writer.word(serial);
        writer.array(8, |fields| {
            for (code, kind, value) in [
                (1, "o", self.path),
                (2, "s", self.interface),
                (3, "s", self.member),
                (6, "s", self.destination),
                (8, "g", self.signature),
            ] {
                if value.is_empty() {
                    continue;
                }
                fields.align(8);
                fields.byte(code);
                fields.signature(kind);
                if kind == "g" { fields.signature(value) } else { fields.text(value) }
            }
        });
        writer.align(8);
        writer.0.extend_from_slice(&body);
        writer.finish()
    }
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Return,
    Error,
    Signal,
    Other,
}

/// A message that was received.
pub(crate) struct Message {
    pub(crate) kind: Kind,
    pub(crate) reply_to: u32,
    pub(crate) error: String,
    pub(crate) path: String,
    pub(crate) member: String,
    pub(crate) signature: String,
    big_endian: bool,
    body: Zeroizing<Vec<u8>>,
}

/// The length of the message that begins with these 16 bytes.
///
/// # Errors
/// [`Malformed`], also for one that is too long.
pub(crate) fn message_length(head: &[u8; 16]) -> Result<usize, Malformed> {
    let mut reader = Reader::new(&head[..], head[0] == b'B');
    if !matches!(head[0], b'l' | b'B') || head[3] != 1 {
        return Err(Malformed);
    }
    reader.position = 4;
    let body = reader.word()? as usize;
    reader.position = 12;
    let fields = reader.word()? as usize;
    let total = (16_usize.saturating_add(fields)).next_multiple_of(8).saturating_add(body);
    if total <= LONGEST_MESSAGE { Ok(total) } else { Err(Malformed) }
}

impl Message {
    /// Reads a whole message.
    ///
    /// # Errors
    /// [`Malformed`].
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let head: &[u8; 16] = bytes.first_chunk().ok_or(Malformed)?;
        if message_length(head)? != bytes.len() {
            return Err(Malformed);
        }
        let big_endian = head[0] == b'B';
        let mut reader = Reader::new(bytes, big_endian);
        reader.position = 12;
        let end = 16 + reader.word()? as usize;
        let mut message = Self {
            kind: match head[1] {
                2 => Kind::Return,
                3 => Kind::Error,
                4 => Kind::Signal,
                _ => Kind::Other,
            },
            reply_to: 0,
            error: String::new(),
            path: String::new(),
            member: String::new(),
            signature: String::new(),
            big_endian,
            body: Zeroizing::new(bytes.get(end.next_multiple_of(8)..).ok_or(Malformed)?.to_vec()),
        };
        while reader.position < end {
            reader.align(8)?;
            let code = reader.byte()?;
            let kind = reader.signature()?;
            match (code, kind.as_str()) {
                (1, "o") => message.path = reader.text()?,
                (3, "s") => message.member = reader.text()?,
                (4, "s") => message.error = reader.text()?,
                (5, "u") => message.reply_to = reader.word()?,
                (8, "g") => message.signature = reader.signature()?,
                _ => reader.skip_value(&kind, 0)?,
            }
        }
        if reader.position == end { Ok(message) } else { Err(Malformed) }
    }

    /// A reader of the body, if it has this signature.
    ///
    /// # Errors
    /// [`Malformed`] for another signature.
    pub(crate) fn body(&self, signature: &str) -> Result<Reader<'_>, Malformed> {
        if self.signature == signature {
            Ok(Reader::new(&self.body, self.big_endian))
        } else {
            Err(Malformed)
        }
    }
}

/// Reads values, each aligned to its size.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    big_endian: bool,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8], big_endian: bool) -> Self {
        Self { bytes, position: 0, big_endian }
    }

    fn align(&mut self, boundary: usize) -> Result<(), Malformed> {
        self.position = self.position.next_multiple_of(boundary);
        if self.position <= self.bytes.len() { Ok(()) } else { Err(Malformed) }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let end = self.position.checked_add(count).ok_or(Malformed)?;
        let taken = self.bytes.get(self.position..end).ok_or(Malformed)?;
        self.position = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
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
    fn signature(&mut self) -> Result<String, Malformed> {
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

    /// A variant of a known type: its signature is checked, the value is then read by its own method.
    pub(crate) fn variant(&mut self, signature: &str) -> Result<(), Malformed> {
        if self.signature()? == signature { Ok(()) } else { Err(Malformed) }
    }

    /// A structure begins.
    pub(crate) fn structure(&mut self) -> Result<(), Malformed> {
        self.align(8)
    }

    /// A variant of any type, passed over.
    pub(crate) fn skip_variant(&mut self) -> Result<(), Malformed> {
        self.skip_value("v", 0)
    }

    /// Passes over the value of a signature that must hold exactly one complete type.
    fn skip_value(&mut self, signature: &str, depth: usize) -> Result<(), Malformed> {
        let rest = self.skip(signature.as_bytes(), depth)?;
        if rest.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    /// Passes over one value of the first type in `signature` and returns the rest of the signature.
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

/// What follows the first complete type of a signature.
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

    /// What a daemon sends: a method return with this body.
    pub(crate) fn reply(reply_to: u32, signature: &str, body: Writer) -> Vec<u8> {
        let body = body.finish();
        let mut writer = Writer::default();
        for byte in [b'l', 2, 1, 1] {
            writer.byte(byte);
        }
        writer.word(length(body.len()));
        writer.word(77);
        writer.array(8, |fields| {
            fields.align(8);
            fields.byte(5);
            fields.signature("u");
            fields.word(reply_to);
            fields.align(8);
            fields.byte(8);
            fields.signature("g");
            fields.signature(signature);
            fields.align(8);
            fields.byte(7);
            fields.signature("s");
            fields.text(":1.5");
        });
        writer.align(8);
        writer.0.extend_from_slice(&body);
        writer.finish().to_vec()
    }

    fn secret_body() -> Writer {
        let mut body = Writer::default();
        body.align(8);
        body.text("/session/1");
        body.bytes(b"");
        body.bytes(b"canary");
        body.text("text/plain");
        body
    }

    fn read_secret(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
        let message = Message::parse(bytes)?;
        let mut reader = message.body("(oayays)")?;
        reader.structure()?;
        reader.text()?;
        reader.bytes()?;
        reader.bytes().map(|secret| secret.to_vec())
    }

    #[test]
    fn replies_are_read_back() {
        let bytes = reply(3, "(oayays)", secret_body());
        assert_eq!(message_length(bytes[..16].try_into().unwrap()).unwrap(), bytes.len());
        let message = Message::parse(&bytes).unwrap();
        assert_eq!((message.kind, message.reply_to), (Kind::Return, 3));
        assert!(message.body("s").is_err());
        assert_eq!(read_secret(&bytes).unwrap(), b"canary");
    }

    #[test]
    fn calls_are_messages() {
        let mut body = Writer::default();
        body.dictionary(&[("service", "authctl"), ("username", "x")]);
        let call = Call {
            destination: "org.freedesktop.secrets",
            path: "/org/freedesktop/secrets",
            interface: "org.freedesktop.Secret.Service",
            member: "SearchItems",
            signature: "a{ss}",
            body,
        };
        let bytes = call.message(2);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(
            (message.member.as_str(), message.path.as_str()),
            ("SearchItems", "/org/freedesktop/secrets")
        );
        let mut reader = message.body("a{ss}").unwrap();
        let entries = reader.array(8, |entry| Ok((entry.text()?, entry.text()?))).unwrap();
        assert_eq!(entries[1], ("username".to_owned(), "x".to_owned()));
    }

    #[test]
    fn truncated_and_changed_messages_never_panic() {
        let bytes = reply(3, "(oayays)", secret_body());
        for end in 0..bytes.len() {
            assert!(read_secret(&bytes[..end]).is_err(), "cut at {end}");
        }
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] = value;
                let _ = read_secret(&changed);
            }
        }
    }

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

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let _ = Message::parse(&bytes);
            let mut framed = bytes.clone();
            framed.splice(..framed.len().min(4), [b'l', 2, 0, 1]);
            if let Some(head) = framed.first_chunk::<16>() && let Ok(length) = message_length(head) {
                framed.resize(length.min(1 << 16), 0);
                if let Ok(message) = Message::parse(&framed) {
                    let _ = message.body(&message.signature.clone()).map(|mut body| body.skip_variant());
                }
            }
        }
    }
}
