//! The part of the D-Bus wire format that the Secret Service needs (D-Bus specification, "Marshaling" and "Message
//! Format").

mod message;
mod reader;
mod writer;

pub(crate) use self::message::{Call, Kind, Message, message_length};
pub(crate) use self::reader::{Malformed, Reader};
pub(crate) use self::writer::Writer;
