//! Messages: outgoing method calls, and any incoming message.

use zeroize::Zeroizing;

use crate::store::keyring::secret_service::wire::reader::{Malformed, Reader};
use crate::store::keyring::secret_service::wire::writer::{Writer, length};

/// The longest accepted message; the specification allows 128 MiB, which a keyring never needs.
const LONGEST_MESSAGE: usize = 8 << 20;

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Return,
    Error,
    Signal,
    Other,
}

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

/// The length of the message that starts with these 16 bytes. A message that is too long is [`Malformed`] too.
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

    /// A reader for the body, if it has this signature.
    pub(crate) fn body(&self, signature: &str) -> Result<Reader<'_>, Malformed> {
        if self.signature == signature {
            Ok(Reader::new(&self.body, self.big_endian))
        } else {
            Err(Malformed)
        }
    }
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
