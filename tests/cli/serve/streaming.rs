//! Bodies pass the proxy as streams.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::channel;

use super::{Running, key_config, socket};
use crate::support::Sandbox;

/// An upstream server that streams: it reads a chunked body, counts its bytes, then sends as many.
fn streaming(amount: usize) -> (String, std::thread::JoinHandle<(usize, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let thread = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut writer = stream.try_clone().unwrap();
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(reader.read_line(&mut head).unwrap() > 0);
        }
        let mut count = 0;
        loop {
            let mut size = String::new();
            reader.read_line(&mut size).unwrap();
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).unwrap();
            count += size;
            if size == 0 {
                break;
            }
        }
        writer.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        let chunk = vec![b'y'; 1 << 16];
        for _ in 0..amount / chunk.len() {
            writer.write_all(b"10000\r\n").unwrap();
            writer.write_all(&chunk).unwrap();
            writer.write_all(b"\r\n").unwrap();
        }
        writer.write_all(b"0\r\n\r\n").unwrap();
        (count, head)
    });
    (address, thread)
}

#[test]
fn bodies_stream_both_ways_f_size() {
    const AMOUNT: usize = 256 << 20;
    let (address, beyond) = streaming(AMOUNT);
    let sandbox = Sandbox::new(&key_config(&address, ""));
    let running = Running::start(&sandbox, &["--proxy", "k", "--socket", &socket(&sandbox)]);
    let mut stream = UnixStream::connect(running.path("socket")).unwrap();
    stream
        .write_all(b"PUT /big HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
        .unwrap();
    let chunk = vec![b'x'; 1 << 16];
    for _ in 0..AMOUNT / chunk.len() {
        stream.write_all(b"10000\r\n").unwrap();
        stream.write_all(&chunk).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    let mut received = 0;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match stream.read(&mut buffer).unwrap() {
            0 => break,
            count => received += buffer[..count].iter().filter(|&&byte| byte == b'y').count(),
        }
    }
    assert_eq!(received, AMOUNT);
    let (sent, head) = beyond.join().unwrap();
    assert_eq!(sent, AMOUNT);
    assert!(head.to_ascii_lowercase().contains("transfer-encoding: chunked"), "{head}");
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.child.id())).unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .map(|line| line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10);
    assert!(peak.is_none_or(|peak| peak < AMOUNT / 2), "{peak:?}");
    running.end();
}

/// The upstream server's first bytes arrive before it sends more.
#[test]
fn an_answer_is_passed_on_as_it_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (go, wait) = channel::<()>();
    let beyond = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\n").unwrap();
        wait.recv().unwrap();
        stream.write_all(b"data: two\n\n").unwrap();
    });
    let sandbox = Sandbox::new(&key_config(&address, ""));
    let running = Running::start(&sandbox, &["--proxy", "k", "--socket", &socket(&sandbox)]);
    let mut stream = running.connect();
    stream.write_all(b"GET /events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    while !text.contains("data: one") {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).unwrap();
        assert!(count > 0, "{text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    go.send(()).unwrap();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.contains("data: two"), "{text}");
    beyond.join().unwrap();
}
