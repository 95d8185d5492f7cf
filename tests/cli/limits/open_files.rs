//! Connection floods with few open files.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use url::Url;

use super::in_shell;
use crate::support::browsers::redirect_of;
use crate::support::http::get;
use crate::support::{AuthorizationServer, Sandbox};

/// Connections that send nothing, and are opened again when they are closed, until this is dropped.
struct Flood {
    is_wanted: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Flood {
    fn start(address: SocketAddr) -> Self {
        let is_wanted = Arc::new(AtomicBool::new(true));
        let wanted = Arc::clone(&is_wanted);
        let thread = std::thread::spawn(move || {
            let mut open: Vec<TcpStream> = Vec::new();
            while wanted.load(Ordering::Relaxed) {
                while open.len() < 200 {
                    let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else {
                        break;
                    };
                    stream.set_nonblocking(true).unwrap();
                    open.push(stream);
                }
                let waits = |mut stream: &TcpStream| {
                    stream.read(&mut [0; 16]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
                };
                open.retain(waits);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        std::thread::sleep(Duration::from_millis(500));
        Self { is_wanted, thread: Some(thread) }
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.is_wanted.store(false, Ordering::Relaxed);
        drop(self.thread.take().unwrap().join());
    }
}

#[test]
fn a_flood_does_not_block_a_server_with_few_open_files_f_srv1() {
    for ulimit in ["-n 24", "-n 40", "-n 64", "-Sn 40"] {
        let sandbox = Sandbox::new(
            "[credentials.k]\ndomain = \"x.example\"\ncommand = [\"sh\", \"-c\", \"ulimit -Sn\"]\n",
        );
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--json"];
        let mut server = in_shell(&sandbox, ulimit, &arguments).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: serde_json::Value = serde_json::from_str(&line).unwrap();
        let address: SocketAddr =
            told["address"].as_str().unwrap().trim_start_matches("http://").parse().unwrap();
        let capability = std::fs::read_to_string(told["capability_file"].as_str().unwrap()).unwrap();
        let head =
            format!("Host: {address}\r\nAuthorization: Bearer {}\r\nConnection: close", capability.trim());
        let ask = || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(format!("GET /token/k HTTP/1.1\r\n{head}\r\n\r\n").as_bytes()).unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            text
        };
        let own = ulimit.rsplit(' ').next().unwrap();
        let text = ask();
        assert!(text.trim_end().ends_with(&format!("\n{own}")), "a program gets the user's limit: {text}");
        let flood = Flood::start(address);
        for round in 0..4 {
            let begun = Instant::now();
            let text = ask();
            assert!(text.starts_with("HTTP/1.1 200"), "{ulimit}, round {round}: {text}");
            assert!(begun.elapsed() < Duration::from_secs(2), "{ulimit}: {:?}", begun.elapsed());
        }
        drop(flood);
        server.kill().unwrap();
        server.wait().unwrap();
    }
}

#[test]
fn a_flood_does_not_block_a_login_with_few_open_files_f_cb21() {
    let server = AuthorizationServer::start();
    for ulimit in ["-n 24", "-n 40", "-n 64"] {
        let sandbox = Sandbox::with_server(&server.domain());
        let mut login = in_shell(&sandbox, ulimit, &["login", "as", "--no-browser"]).spawn().unwrap();
        let mut lines = BufReader::new(login.stderr.take().unwrap());
        let url = loop {
            let mut line = String::new();
            assert_ne!(lines.read_line(&mut line).unwrap(), 0, "{ulimit}: the login has finished");
            if let Ok(url) = Url::parse(line.trim()) {
                break url;
            }
        };
        let redirect = redirect_of(&url).unwrap();
        let flood = Flood::start(redirect.socket_addrs(|| None).unwrap()[0]);
        assert_eq!(get(&redirect).unwrap().0, 200, "{ulimit}");
        drop(flood);
        let mut rest = String::new();
        lines.read_to_string(&mut rest).unwrap();
        assert_eq!(login.wait().unwrap().code(), Some(0), "{ulimit}: {rest}");
    }
}

#[test]
fn without_open_files_a_server_fails_with_a_reason_f_cb21() {
    let sandbox = Sandbox::new("[credentials.literal]\ndomain = \"x.example\"\njwt = \"t\"\n");
    for most in 5..10 {
        let arguments = ["serve", "--listen", "127.0.0.1:0"];
        let output = in_shell(&sandbox, &format!("-n {most}"), &arguments).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!matches!(output.status.code(), None | Some(0 | 101)), "{most}: {stderr}");
        assert!(stderr.contains("os error 24"), "{most}: {stderr}");
    }
}
