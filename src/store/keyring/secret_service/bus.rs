//! A blocking connection to the session's message bus (D-Bus specification, "Authentication Protocol").
//!
//! gnome-keyring can abort if `OpenSession` is a client's first message. This order is safe: send `Hello` and a
//! harmless call in one write, then wait; never send `OpenSession` before that answer, or together with anything else.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::store::keyring::secret_service::address::Address;
use crate::store::keyring::secret_service::error::BusError;
use crate::store::keyring::secret_service::wire::{Call, Kind, Malformed, Message, Writer, message_length};

const READ_SIZE: usize = 8 << 10;

/// A connection on which every wait has a deadline.
pub(crate) struct Connection {
    stream: UnixStream,
    /// Bytes that were read and belong to the next message.
    unread: Zeroizing<Vec<u8>>,
    serial: u32,
    deadline: Instant,
}

impl Connection {
    /// Connects to the first working address of a list and makes the first call, whose answer it returns. An error of
    /// an existing bus takes precedence over [`BusError::NoBus`].
    pub(crate) fn open(
        addresses: &str,
        time: Duration,
        first: impl Fn() -> Call<'static>,
    ) -> Result<(Self, Message), BusError> {
        #[expect(clippy::disallowed_methods, reason = "a deadline on a socket; nothing is decided by it")]
        let deadline = Instant::now() + time;
        let mut failure = BusError::NoBus("its address is not a Unix socket".to_owned());
        for address in Address::list(addresses) {
            match Self::open_at(&address, deadline, first()) {
                Ok((connection, serial)) => return connection.first_answer(serial, first),
                Err(BusError::TimedOut) => return Err(BusError::TimedOut),
                Err(error) if matches!(failure, BusError::NoBus(_)) => failure = error,
                Err(_) => {}
            }
        }
        Err(failure)
    }

    /// Connects and authenticates as this user, with the first call in the same write. That call contains no secret:
    /// the bus's answer proves that it is the right one.
    fn open_at(address: &Address, deadline: Instant, first: Call<'static>) -> Result<(Self, u32), BusError> {
        let time = remaining(deadline)?;
        let stream = address.connect(time)?;
        let mut connection = Self { stream, unread: Zeroizing::default(), serial: 0, deadline };
        let user = rustix::process::geteuid().as_raw().to_string();
        let identity = base16ct::lower::encode_string(user.as_bytes());
        let mut hello = format!("\0AUTH EXTERNAL {identity}\r\nBEGIN\r\n").into_bytes();
        let call = Call {
            destination: "org.freedesktop.DBus",
            path: "/org/freedesktop/DBus",
            interface: "org.freedesktop.DBus",
            member: "Hello",
            signature: "",
            body: Writer::default(),
        };
        hello.extend_from_slice(&call.message(connection.next_serial()));
        let serial = connection.next_serial();
        hello.extend_from_slice(&first.message(serial));
        connection.send(&hello)?;
        address.check_answer(&connection.authentication_answer()?)?;
        Ok((connection, serial))
    }

    fn first_answer(
        mut self,
        serial: u32,
        first: impl Fn() -> Call<'static>,
    ) -> Result<(Self, Message), BusError> {
        match self.answer(serial) {
            // The service was starting: it accepts its own methods a moment later.
            Err(BusError::Refused { name }) if name == "org.freedesktop.DBus.Error.UnknownMethod" => {
                let answer = self.call(first())?;
                Ok((self, answer))
            }
            answer => answer.map(|answer| (self, answer)),
        }
    }

    /// Allows the following calls this much time.
    pub(crate) fn extend(&mut self, time: Duration) {
        #[expect(clippy::disallowed_methods, reason = "a deadline on a socket; nothing is decided by it")]
        let now = Instant::now();
        self.deadline = now + time;
    }

    pub(crate) fn call(&mut self, call: Call<'_>) -> Result<Message, BusError> {
        let serial = self.next_serial();
        self.send(&call.message(serial))?;
        self.answer(serial)
    }

    /// Waits for an object's signal.
    pub(crate) fn signal(&mut self, path: &str, member: &str) -> Result<Message, BusError> {
        loop {
            let message = self.receive()?;
            if message.kind == Kind::Signal && message.path == path && message.member == member {
                return Ok(message);
            }
        }
    }

    fn next_serial(&mut self) -> u32 {
        self.serial += 1;
        self.serial
    }

    fn answer(&mut self, serial: u32) -> Result<Message, BusError> {
        loop {
            let message = self.receive()?;
            match message.kind {
                Kind::Return if message.reply_to == serial => return Ok(message),
                Kind::Error if message.reply_to == serial => {
                    return Err(match message.error.as_str() {
                        "org.freedesktop.DBus.Error.ServiceUnknown"
                        | "org.freedesktop.DBus.Error.NameHasNoOwner"
                        | "org.freedesktop.DBus.Error.Spawn.ServiceNotFound" => BusError::NoService,
                        "org.freedesktop.DBus.Error.NoReply" | "org.freedesktop.DBus.Error.Timeout" => {
                            BusError::TimedOut
                        }
                        _ => BusError::Refused { name: message.error },
                    });
                }
                _ => {}
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), BusError> {
        let remaining = self.remaining()?;
        self.stream.set_write_timeout(Some(remaining))?;
        self.stream.write_all(bytes)?;
        Ok(())
    }

    fn receive(&mut self) -> Result<Message, BusError> {
        let head = loop {
            match self.unread.first_chunk() {
                Some(head) => break head,
                None => self.read_more(READ_SIZE)?,
            }
        };
        let length = message_length(head)?;
        while self.unread.len() < length {
            self.read_more(length)?;
        }
        Ok(Message::parse(&self.take(length))?)
    }

    fn take(&mut self, length: usize) -> Zeroizing<Vec<u8>> {
        let rest = Zeroizing::new(self.unread[length..].to_vec());
        let mut taken = std::mem::replace(&mut self.unread, rest);
        taken.truncate(length);
        taken
    }

    /// Reads what is available, or waits for it until the deadline; makes room for the whole expected length.
    fn read_more(&mut self, expected: usize) -> Result<(), BusError> {
        let mut part = Zeroizing::new([0; READ_SIZE]);
        loop {
            let remaining = self.remaining()?;
            self.stream.set_read_timeout(Some(remaining))?;
            let count = match self.stream.read(&mut *part) {
                Ok(0) => return Err(BusError::Broken("it was closed".to_owned())),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            let needed = self.unread.len() + count;
            if self.unread.capacity() < needed {
                // A vector that grows automatically leaves its old bytes behind.
                let mut grown = Zeroizing::new(Vec::with_capacity(needed.max(expected)));
                grown.extend_from_slice(&self.unread);
                self.unread = grown;
            }
            self.unread.extend_from_slice(&part[..count]);
            return Ok(());
        }
    }

    /// The bus's answer to `AUTH`, without the line ending.
    fn authentication_answer(&mut self) -> Result<Zeroizing<Vec<u8>>, BusError> {
        const LONGEST: usize = 256;
        let end = loop {
            match self.unread.windows(2).position(|bytes| bytes == b"\r\n") {
                Some(end) => break end,
                None if self.unread.len() > LONGEST => return Err(Malformed.into()),
                None => self.read_more(READ_SIZE)?,
            }
        };
        let mut line = self.take(end + 2);
        line.truncate(end);
        Ok(line)
    }

    fn remaining(&self) -> Result<Duration, BusError> {
        remaining(self.deadline)
    }
}

fn remaining(deadline: Instant) -> Result<Duration, BusError> {
    #[expect(clippy::disallowed_methods, reason = "a deadline on a socket; nothing is decided by it")]
    let now = Instant::now();
    deadline.checked_duration_since(now).filter(|left| !left.is_zero()).ok_or(BusError::TimedOut)
}
