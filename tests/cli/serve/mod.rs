//! Tokens for programs that cannot run authctl: the real binary, real sockets.
#![cfg(unix)]

mod access;
mod clouds;
mod connections;
mod proxy;
mod proxy_tokens;
mod streaming;
mod tokens;

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use crate::support::Sandbox;
use crate::support::sandbox::set_mode;

const BINARY: &str = env!("CARGO_BIN_EXE_authctl");

/// A running server. SIGTERM ends it.
struct Running {
    child: Child,
    ready: Value,
    stderr: Receiver<String>,
}

impl Running {
    fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let arguments = [&["serve", "--json"], arguments].concat();
        let mut command = sandbox.binary(BINARY, &arguments);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (sender, stderr) = channel();
        let mut errors = child.stderr.take().unwrap();
        std::thread::spawn(move || {
            let mut text = String::new();
            let _ = errors.read_to_string(&mut text);
            let _ = sender.send(text);
        });
        if line.is_empty() {
            panic!("it does not serve: {}", stderr.recv().unwrap());
        }
        Self { child, ready: serde_json::from_str(&line).unwrap(), stderr }
    }

    fn path(&self, member: &str) -> PathBuf {
        self.ready[member].as_str().unwrap().into()
    }

    fn host(&self) -> String {
        self.ready["address"].as_str().unwrap().trim_start_matches("http://").to_owned()
    }

    fn capability(&self) -> String {
        std::fs::read_to_string(self.path("capability_file")).unwrap()
    }

    fn connect(&self) -> Box<dyn Stream> {
        match self.ready["socket"].as_str() {
            Some(path) => Box::new(UnixStream::connect(path).unwrap()),
            None => Box::new(TcpStream::connect(self.host()).unwrap()),
        }
    }

    /// Sends bytes and reads to the end: returns the status and the whole response.
    fn exchange(&self, request: &str) -> (u16, String) {
        let mut stream = self.connect();
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer).into_owned();
        (text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0), text)
    }

    /// A GET with the required headers: returns the status and the body.
    fn get(&self, target: &str, headers: &str) -> (u16, String) {
        let (host, capability) = match self.ready["socket"].as_str() {
            Some(_) => ("localhost".to_owned(), String::new()),
            None => (self.host(), format!("Authorization: Bearer {}\r\n", self.capability())),
        };
        let (status, text) = self.exchange(&format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\n{capability}{headers}Connection: close\r\n\r\n"
        ));
        (status, text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).unwrap();
    }

    /// Ends it: returns its output.
    fn end(mut self) -> String {
        self.signal(rustix::process::Signal::TERM);
        let status = self.child.wait().unwrap();
        let said = self.stderr.recv().unwrap();
        assert_eq!(status.code(), Some(0), "{said}");
        said
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

/// Logs in with the binary.
fn login(sandbox: &Sandbox) {
    let follow = sandbox.write("browser", "#!/bin/sh\nexec curl -sL -o /dev/null \"$1\"\n");
    set_mode(&follow, 0o700);
    let mut command = sandbox.binary(BINARY, &["login", "as", "--browser", follow.to_str().unwrap()]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The home's socket.
fn socket(sandbox: &Sandbox) -> String {
    sandbox.path("sockets/s").display().to_string()
}

/// A provider with a key, for this host.
fn key_config(domain: &str, more: &str) -> String {
    let scheme = if domain.starts_with("127.") { "http" } else { "https" };
    format!(
        "store = \"file\"\n[credentials.k]\ndomain = \"{domain}\"\nscheme = \"{scheme}\"\napi_key = \"canary-key\"\n{more}"
    )
}

fn error(body: &str) -> String {
    let value: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{body}"));
    value["error"].as_str().unwrap().to_owned()
}

/// A proxy's listening address, and the URL for requests to it.
fn proxy(sandbox: &Sandbox, more: &[&str]) -> Running {
    Running::start(sandbox, &[&["--proxy", "k", "--listen", "127.0.0.1:0"], more].concat())
}
