//! Slow, huge and idle connections.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use super::{Running, Stream, key_config, proxy, socket};
use crate::support::Sandbox;

#[test]
fn slow_and_huge_request_heads_are_refused_f_hlp1() {
    let sandbox = Sandbox::new(&key_config("x.example", ""));
    let running = Running::start(&sandbox, &["--socket", &socket(&sandbox)]);
    let huge = format!("GET /token/k HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    assert_eq!(running.exchange(&huge).0, 431);
    let many = format!("GET /token/k HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(200));
    assert_eq!(running.exchange(&many).0, 431);
    // More silent connections than allowed delay others no longer than the time limit for a request head.
    let begun = Instant::now();
    let mut slow = running.connect();
    slow.write_all(b"GET /token/k HTTP/1.1\r\nHo").unwrap();
    let silent: Vec<_> = (0..70).map(|_| running.connect()).collect();
    assert_eq!(running.get("/token/k", "").1, "canary-key\n");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    drop(silent);
    let mut rest = Vec::new();
    let _ = slow.read_to_end(&mut rest);
    assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
}

/// Connections without a capability: some silent, some with half a request, some with many requests that never read.
fn hostile_connections(host: &str, count: usize) -> Vec<TcpStream> {
    let request = format!("GET /token/k HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let sent = [String::new(), "GET /token/k HT".to_owned(), request.repeat(200)];
    let connect = |number: usize| {
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_nonblocking(true).unwrap();
        let _ = stream.write(sent[number % sent.len()].as_bytes());
        stream
    };
    (0..count).map(connect).collect()
}

// F-SRV1
#[test]
fn clients_without_the_capability_cannot_block_others() {
    let (go, wait) = channel::<()>();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let beyond = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\ndata: one\n\n").unwrap();
        wait.recv().unwrap();
        stream.write_all(b"data: two\n\n").unwrap();
    });
    let sandbox = Sandbox::new(&key_config(&address, ""));
    let proxy = proxy(&sandbox, &[]);
    let mut silent = TcpStream::connect(proxy.host()).unwrap();
    let (host, capability) = (proxy.host(), proxy.capability());
    let head = format!("Host: {host}\r\nAuthorization: Bearer {capability}\r\nConnection: close\r\n\r\n");
    silent.write_all(format!("GET /events HTTP/1.1\r\n{head}").as_bytes()).unwrap();
    let mut text = String::new();
    while !text.contains("data: one") {
        let mut buffer = [0; 4096];
        let count = silent.read(&mut buffer).unwrap();
        text.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    let tokens = Running::start(&sandbox, &["--listen", "127.0.0.1:0"]);
    let mut held = Vec::new();
    for round in 0..4 {
        held.push((hostile_connections(&tokens.host(), 70), hostile_connections(&host, 70)));
        let begun = Instant::now();
        assert_eq!(tokens.get("/token/k", ""), (200, "canary-key\n".to_owned()), "round {round}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
    go.send(()).unwrap();
    silent.read_to_string(&mut text).unwrap();
    assert!(text.contains("data: two"), "a running stream continues: {text}");
    beyond.join().unwrap();
    drop(held);

    // A refused request also ends its connection.
    for (target, status) in [("/token/k", 401), ("/nothing", 401)] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", tokens.host());
        let (got, text) = tokens.exchange(&request.repeat(3));
        assert_eq!((got, text.matches("HTTP/1.1 ").count()), (status, 1), "{text}");
        assert!(text.contains("connection: close"), "{text}");
    }
}

// F-SRV1
#[test]
fn an_idle_connection_gives_way_to_a_new_one() {
    let sandbox = Sandbox::new(&key_config("x.example", ""));
    let running = Running::start(&sandbox, &["--socket", &socket(&sandbox)]);
    let ask = |stream: &mut dyn Stream| {
        stream.write_all(b"GET /token/k HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).unwrap_or(0);
        String::from_utf8_lossy(&buffer[..count]).contains("canary-key")
    };
    let begun = Instant::now();
    let mut idle: Vec<_> = (0..150).map(|_| running.connect()).collect();
    assert!(idle.iter_mut().rev().take(60).all(|stream| ask(&mut **stream)), "while they connect");
    for _ in 0..150 {
        let mut stream = running.connect();
        assert!(ask(&mut *stream));
        idle.push(stream);
    }
    assert!(begun.elapsed() < Duration::from_secs(8), "before any deadline: {:?}", begun.elapsed());
    let last = idle.len() - 1;
    assert!(ask(&mut *idle[last]), "the newest one stays open");
}
