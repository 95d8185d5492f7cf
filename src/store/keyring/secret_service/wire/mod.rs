//! The D-Bus wire format (D-Bus specification, "Marshaling" and "Message Format"), as much of it as the Secret Service
//! needs.

mod message;
mod reader;
mod writer;

pub(crate) use self::message::{Call, Kind, Message, message_length};
pub(crate) use self::reader::{Malformed, Reader};
pub(crate) use self::writer::Writer;
