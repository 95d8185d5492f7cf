//! HTTP over a stream.

use super::message::{Reply, Request};

/// A plain or an encrypted stream.
pub(super) trait Stream: std::io::Read + std::io::Write {}

impl<T: std::io::Read + std::io::Write> Stream for T {}

pub(super) fn send(stream: &mut impl Stream, reply: Reply) {
    match reply {
        Reply::Drop => {}
        Reply::After(pause, reply) => {
            std::thread::sleep(pause);
            send(stream, *reply);
        }
        Reply::Raw(bytes) => drop(stream.write_all(&bytes)),
        Reply::Drip(bytes, pause) => {
            for byte in bytes.into_iter().chain(std::iter::repeat(b' ')) {
                if stream.write_all(&[byte]).is_err() {
                    return;
                }
                std::thread::sleep(pause);
            }
        }
        Reply::Full { status, headers, body } => {
            let mut head =
                format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            head.push_str("\r\n");
            let _ = stream.write_all(&[head.as_bytes(), &body].concat());
        }
    }
}

pub(super) fn read_request(stream: &mut impl Stream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 8192];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        let count = stream.read(&mut buffer).ok().filter(|&count| count > 0)?;
        bytes.extend_from_slice(&buffer[..count]);
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = bytes[end + 4..].to_vec();
    while body.len() < length.unwrap_or(0) {
        let count = stream.read(&mut buffer).ok().filter(|&count| count > 0)?;
        body.extend_from_slice(&buffer[..count]);
    }
    Some(Request {
        scheme: "http",
        method,
        target,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}
