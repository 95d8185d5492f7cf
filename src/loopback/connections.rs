//! The connections to a listener. One thread serves all of them, and their number is limited.
//!
//! `tiny_http`'s own server starts threads, reads header lines without a limit and aborts the process on an absurd
//! `Content-Length`. Connections are therefore accepted and their heads read here, within limits (F-CB10, F-CB21).

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use crate::loopback::request::{LONGEST_HEAD, Request, parse_head};
use crate::os::open_files;

/// The largest number of parts in which a head may arrive. Each new part parses the whole head again.
const MOST_PARTS: usize = 64;
/// The limit on open connections. Browsers open some speculatively (F-CB10).
const MOST_CONNECTIONS: usize = 64;
/// The limit on connections accepted before the open ones are read again, so that a flood of new connections cannot
/// push out a request that has already arrived.
const MOST_ACCEPTED: usize = 32;
/// A connection that has not sent its head by then is closed.
const HEAD_DEADLINE: Duration = Duration::from_secs(8);
/// How long a client may take to receive the response.
const ANSWER_DEADLINE: Duration = Duration::from_secs(1);
/// How much a client may send after its request. Reading it prevents a connection reset before the client has seen the
/// response.
const MOST_DISCARDED: usize = 256 * 1024;

/// A connection whose request head is complete, or must be refused with a status.
pub(super) struct Incoming {
    pub(super) stream: TcpStream,
    pub(super) request: Result<Request, u16>,
}

/// The open connections, oldest first.
pub(super) struct Connections {
    /// The limit on open connections.
    most: usize,
    open: VecDeque<Connection>,
    ready: VecDeque<Incoming>,
}

impl Default for Connections {
    fn default() -> Self {
        Self::at_most(open_files::most_connections(MOST_CONNECTIONS))
    }
}

struct Connection {
    stream: TcpStream,
    since: Duration,
    stage: Stage,
}

enum Stage {
    Reading {
        bytes: Vec<u8>,
        parts: usize,
    },
    /// The response is being sent, and then the connection closes.
    Closing {
        answer: Vec<u8>,
        written: usize,
        discarded: usize,
    },
}

/// The result of reading or writing.
enum Step {
    Wait,
    Close,
    Complete(Result<Request, u16>),
}

impl Connections {
    fn at_most(most: usize) -> Self {
        Self { most, open: VecDeque::new(), ready: VecDeque::new() }
    }

    /// Accepts, reads and writes whatever does not block. Returns the next complete request.
    pub(super) fn next(&mut self, sockets: &[TcpListener], now: Duration) -> Option<Incoming> {
        if self.ready.is_empty() {
            self.accept(sockets, now);
            self.step(now);
        }
        self.ready.pop_front()
    }

    /// Sends a response and closes the connection, during the next calls of [`next`](Self::next).
    pub(super) fn close_with(&mut self, stream: TcpStream, answer: Vec<u8>, now: Duration) {
        self.make_room();
        let stage = Stage::Closing { answer, written: 0, discarded: 0 };
        let mut connection = Connection { stream, since: now, stage };
        if !matches!(connection.step(now), Step::Close) {
            self.open.push_back(connection);
        }
    }

    fn accept(&mut self, sockets: &[TcpListener], now: Duration) {
        for socket in sockets {
            for _ in 0..MOST_ACCEPTED.min(self.most) {
                let stream = match socket.accept() {
                    Ok((stream, _)) => stream,
                    Err(error) if open_files::are_used_up(&error) && self.close_one() => continue,
                    // The client has disconnected.
                    Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
                    Err(_) => break,
                };
                if stream.set_nonblocking(true).is_err() {
                    continue;
                }
                self.make_room();
                let stage = Stage::Reading { bytes: Vec::new(), parts: 0 };
                self.open.push_back(Connection { stream, since: now, stage });
            }
        }
    }

    /// Closes a connection if the limit is reached.
    fn make_room(&mut self) {
        if self.open.len() >= self.most {
            self.close_one();
        }
    }

    /// Closes the oldest connection, preferring one that already has its response. Returns `false` if none is open.
    fn close_one(&mut self) -> bool {
        let answered = |connection: &Connection| matches!(connection.stage, Stage::Closing { .. });
        let oldest = self.open.iter().position(answered).unwrap_or(0);
        self.open.remove(oldest).is_some()
    }

    fn step(&mut self, now: Duration) {
        for _ in 0..self.open.len() {
            let Some(mut connection) = self.open.pop_front() else { return };
            match connection.step(now) {
                Step::Wait => self.open.push_back(connection),
                Step::Close => {}
                Step::Complete(request) => {
                    self.ready.push_back(Incoming { stream: connection.stream, request });
                }
            }
        }
    }
}

impl Connection {
    fn step(&mut self, now: Duration) -> Step {
        let age = now.saturating_sub(self.since);
        match &mut self.stage {
            Stage::Reading { .. } if age >= HEAD_DEADLINE => Step::Close,
            Stage::Reading { bytes, parts } => read_head(&mut self.stream, bytes, parts),
            Stage::Closing { .. } if age >= ANSWER_DEADLINE => Step::Close,
            Stage::Closing { answer, written, discarded } => {
                send(&mut self.stream, answer, written, discarded)
            }
        }
    }
}

fn read_head(stream: &mut TcpStream, bytes: &mut Vec<u8>, parts: &mut usize) -> Step {
    let mut buffer = [0; LONGEST_HEAD];
    let count = match stream.read(&mut buffer) {
        Ok(0) => return Step::Close,
        Ok(count) => count,
        Err(error) if is_not_ready(&error) => return Step::Wait,
        Err(_) => return Step::Close,
    };
    bytes.extend_from_slice(&buffer[..count]);
    *parts += 1;
    match parse_head(bytes) {
        Ok(Some(request)) => Step::Complete(Ok(request)),
        Ok(None) if bytes.len() > LONGEST_HEAD => Step::Complete(Err(431)),
        Ok(None) if *parts >= MOST_PARTS => Step::Complete(Err(400)),
        Ok(None) => Step::Wait,
        Err(status) => Step::Complete(Err(status)),
    }
}

fn send(stream: &mut TcpStream, answer: &[u8], written: &mut usize, discarded: &mut usize) -> Step {
    while *written < answer.len() {
        match stream.write(&answer[*written..]) {
            Ok(count) => *written += count,
            Err(error) if is_not_ready(&error) => return Step::Wait,
            Err(_) => return Step::Close,
        }
        if *written == answer.len() {
            let _ = stream.shutdown(Shutdown::Write);
        }
    }
    let mut buffer = [0; 4096];
    while *discarded < MOST_DISCARDED {
        match stream.read(&mut buffer) {
            Ok(0) => return Step::Close,
            Ok(count) => *discarded += count,
            Err(error) if is_not_ready(&error) => return Step::Wait,
            Err(_) => return Step::Close,
        }
    }
    Step::Close
}

fn is_not_ready(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the test waits for sockets")]
mod tests {
    use super::*;

    /// Serves until there is a request, or for a second.
    fn serve(connections: &mut Connections, listener: &TcpListener) -> Option<Incoming> {
        for _ in 0..200 {
            if let Some(incoming) = connections.next(std::slice::from_ref(listener), Duration::ZERO) {
                return Some(incoming);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }

    fn listener() -> TcpListener {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        listener
    }

    #[test]
    fn idle_connections_make_room_for_a_request_f_cb21() {
        let listener = listener();
        let address = listener.local_addr().unwrap();
        let mut connections = Connections::default();
        let mut idle = Vec::new();
        for _ in 0..5 * MOST_CONNECTIONS {
            idle.push(TcpStream::connect(address).unwrap());
            assert!(connections.next(std::slice::from_ref(&listener), Duration::ZERO).is_none());
            assert!(connections.open.len() <= MOST_CONNECTIONS);
        }
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(b"GET /here HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let incoming = serve(&mut connections, &listener).unwrap();
        assert_eq!(incoming.request.ok().unwrap().redirect.target, "/here");
    }

    #[test]
    fn a_connection_has_a_limited_time_and_number_of_parts_f_cb10() {
        let listener = listener();
        let address = listener.local_addr().unwrap();
        let mut connections = Connections::default();
        let mut client = TcpStream::connect(address).unwrap();
        client.set_nodelay(true).unwrap();
        let mut refused = None;
        for _ in 0..2 * MOST_PARTS {
            let _ = client.write_all(b"G");
            std::thread::sleep(Duration::from_millis(2));
            refused = refused.or(connections.next(std::slice::from_ref(&listener), Duration::ZERO));
        }
        assert_eq!(refused.unwrap().request.err(), Some(400), "too many parts");

        let _slow = TcpStream::connect(address).unwrap();
        for _ in 0..20 {
            assert!(connections.next(std::slice::from_ref(&listener), Duration::ZERO).is_none());
            std::thread::sleep(Duration::from_millis(2));
        }
        assert_eq!(connections.open.len(), 1);
        assert!(connections.next(std::slice::from_ref(&listener), HEAD_DEADLINE).is_none());
        assert!(connections.open.is_empty(), "too slow");
    }
}
