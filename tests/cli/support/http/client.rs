//! The client.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Sends bytes to an address and reads until the end: the status, and everything.
pub fn exchange(address: SocketAddr, request: &[u8]) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    stream.write_all(request).ok()?;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1)?.parse().ok()?;
    Some((status, text))
}

/// A GET as a browser sends it when the user navigates.
pub fn get(url: &url::Url) -> Option<(u16, String)> {
    let address = url.socket_addrs(|| None).ok()?.into_iter().next()?;
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let host = format!("{}:{}", url.host_str()?, url.port()?);
    let request = format!(
        "GET {}{query} HTTP/1.1\r\nHost: {host}\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\n\r\n",
        url.path()
    );
    exchange(address, request.as_bytes())
}

/// The `Location` of an answer.
pub fn location(answer: &str) -> Option<url::Url> {
    let line = answer.lines().find(|line| line.to_ascii_lowercase().starts_with("location:"))?;
    url::Url::parse(line.split_once(':')?.1.trim()).ok()
}
