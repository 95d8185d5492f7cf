//! Tokens for programs that cannot run authctl: the real binary, real sockets.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::http::{Reply, Server, certificates};
use crate::support::sandbox::{server_config, set_mode};
use crate::support::{AuthorizationServer, Sandbox};

const BINARY: &str = env!("CARGO_BIN_EXE_authctl");

/// A server that runs. It is ended by SIGTERM.
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

    /// Sends bytes and reads to the end: the status, and everything.
    fn exchange(&self, request: &str) -> (u16, String) {
        let mut stream = self.connect();
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer).into_owned();
        (text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0), text)
    }

    /// A GET with what it needs: the status, and the body.
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

    /// Ends it: what it said.
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

/// The home's own socket.
fn socket(sandbox: &Sandbox) -> String {
    sandbox.path("sockets/s").display().to_string()
}

/// A provider with a key, whose host is this.
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

#[test]
fn from_not_logged_in_to_a_token_on_the_socket() {
    let server = AuthorizationServer::start();
    let sandbox =
        Sandbox::new(&server_config(&server.domain(), "\n[credentials.wrong]\ndomain = 7\njwt = \"x\"\n"));
    let running = Running::start(&sandbox, &["--socket", &socket(&sandbox), "-vv"]);
    assert_eq!(running.path("socket"), sandbox.path("sockets/s"));
    let (status, body) = running.get("/token/as", "");
    assert_eq!((status, error(&body).as_str()), (403, "login_required"));
    assert!(body.contains("authctl login as"), "{body}");
    for (target, want) in [
        ("/token/other", (404, "unknown_provider")),
        ("/token/wrong", (500, "config")),
        ("/token/as?nonsense=1", (400, "bad_request")),
        ("/nothing", (404, "not_found")),
        ("/computeMetadata/v1/", (404, "not_found")),
    ] {
        let (status, body) = running.get(target, "");
        assert_eq!((status, error(&body).as_str()), want, "{target}");
    }
    login(&sandbox);
    let (status, token) = running.get("/token/as", "");
    assert_eq!(status, 200, "the login is followed at once");
    assert!(token.ends_with('\n') && server.accepts(token.trim()), "{token}");
    let (_, whole) = running.exchange("GET /token/as HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(whole.contains("cache-control: no-store"), "{whole}");
    let (_, object) = running.get("/token/as", "Accept: application/json\r\n");
    assert_eq!(serde_json::from_str::<Value>(&object).unwrap()["access_token"], token.trim());
    assert_eq!(running.get("/token/as?format=header", "").1, format!("Authorization: Bearer {token}"));
    let url = format!("/headers/as?url={}/api", server.issuer());
    assert_eq!(running.get(&url, "").1, format!("Authorization: Bearer {token}"));
    assert_eq!(running.get("/headers/as?url=https://evil.example/", "").0, 400, "B8");
    let traced = format!("/headers/as?url={}/api&method=Trace", server.issuer());
    assert_eq!(running.get(&traced, "").0, 400, "F-SRV2");
    assert_eq!(running.get("/token/as?scope=repo+admin", "").0, 403, "more than was granted");

    sandbox.configure("store = \"file\"\n[credentials.new]\ndomain = \"x.example\"\njwt = \"another\"\n");
    assert_eq!(running.get("/token/new", ""), (200, "another\n".to_owned()), "an edit is followed at once");
    assert_eq!(running.get("/token/as", "").0, 404);
    sandbox.configure("nonsense");
    assert_eq!(running.get("/token/new", "").0, 500);
    let said = running.end();
    assert!(said.contains("= GET /token/as: handed out"), "{said}");
    assert!(!said.contains("canary") && !said.contains(token.trim()), "F-LEAK3: {said}");
    assert!(!sandbox.path("sockets/s").exists(), "the socket is gone");
}

#[test]
fn twenty_requests_make_one_refresh_f_rot1() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.expires_in = Some(1));
    let sandbox = Sandbox::with_server(&server.domain());
    login(&sandbox);
    std::thread::sleep(Duration::from_millis(1100));
    server.set(|behaviour| {
        behaviour.expires_in = Some(3600);
        behaviour.pause = Duration::from_millis(200);
    });
    let running = Running::start(&sandbox, &["--socket", &socket(&sandbox)]);
    let answers: Vec<(u16, String)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..20)
            .map(|_| {
                scope.spawn(|| {
                    let path = running.ready["socket"].as_str().unwrap();
                    let mut stream = UnixStream::connect(path).unwrap();
                    stream.write_all(b"GET /token/as HTTP/1.0\r\n\r\n").unwrap();
                    let mut text = String::new();
                    stream.read_to_string(&mut text).unwrap();
                    (text[9..12].parse().unwrap(), text.split_once("\r\n\r\n").unwrap().1.to_owned())
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| *answer == (200, answers[0].1.clone())), "{answers:?}");
    assert_eq!(server.token_requests("refresh_token"), 1);
    assert!(!server.any_family_revoked());

    // Who ends it while a refresh is under way loses nothing of it.
    server.set(|behaviour| behaviour.pause = Duration::from_secs(1));
    sandbox.binary(BINARY, &["refresh", "as"]).output().unwrap();
    server.set(|behaviour| behaviour.expires_in = Some(1));
    sandbox.binary(BINARY, &["refresh", "as"]).output().unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    server.set(|behaviour| behaviour.expires_in = Some(3600));
    let before = server.token_requests("refresh_token");
    let mut stream = running.connect();
    stream.write_all(b"GET /token/as HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    while server.token_requests("refresh_token") == before {
        std::thread::sleep(Duration::from_millis(5));
    }
    running.end();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200"), "what was under way is answered: {text}");
    let output = sandbox.binary(BINARY, &["token", "as"]).output().unwrap();
    assert_eq!(text.split_once("\r\n\r\n").unwrap().1.as_bytes(), output.stdout, "and saved");
}

/// F-STO2: neither the mode nor the kernel lets another user in.
#[test]
fn the_socket_is_ours_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = Sandbox::new(&key_config("x.example", ""));
    let path = sandbox.path("sockets/s");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    // One that a server left behind when it was killed.
    drop(UnixListener::bind(&path).unwrap());
    let running = Running::start(&sandbox, &["--socket", &socket(&sandbox)]);
    assert_eq!(running.get("/token/k", "").1, "canary-key\n");
    assert_eq!(path.symlink_metadata().unwrap().permissions().mode() & 0o777, 0o600);

    let refused = |arguments: &[&str]| {
        let output = sandbox.binary(BINARY, &[&["serve"], arguments].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let said = refused(&["--socket", &socket(&sandbox)]);
    assert!(said.contains("another server listens on") && said.contains("--socket"), "{said}");
    let file = sandbox.write("sockets/file", "mine");
    assert!(refused(&["--socket", file.to_str().unwrap()]).contains("is no socket"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    let open = sandbox.path("open");
    std::fs::create_dir(&open).unwrap();
    set_mode(&open, 0o777);
    assert!(refused(&["--socket", open.join("s").to_str().unwrap()]).contains("chmod 0700"));

    // Another user is turned away by the mode, and where there is none, by the kernel's word on who it is.
    if rustix::process::geteuid().is_root() {
        let as_nobody = |command: &[&str]| {
            let mut setpriv = Command::new("setpriv");
            setpriv.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).args(command);
            setpriv.arg(&path).arg("http://localhost/token/k").output().unwrap()
        };
        let curl = ["curl", "-sS", "--unix-socket"];
        let may_write = ["sh", "-c", "test -w \"$0\""];
        for folder in path.ancestors().skip(1).take_while(|folder| folder.starts_with(sandbox.path(""))) {
            set_mode(folder, 0o755);
        }
        assert!(!as_nobody(&may_write).status.success());
        assert!(!as_nobody(&curl).status.success());
        set_mode(&path, 0o666);
        assert!(as_nobody(&may_write).status.success());
        let output = as_nobody(&curl);
        assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    }
    assert_eq!(running.get("/token/k", "").0, 200);
    running.end();
    assert!(!path.exists());
    for signal in [rustix::process::Signal::INT, rustix::process::Signal::HUP] {
        let mut running = Running::start(&sandbox, &["--socket", &socket(&sandbox)]);
        let _idle = running.connect();
        let begun = Instant::now();
        running.signal(signal);
        assert_eq!(running.child.wait().unwrap().code(), Some(0));
        assert!(begun.elapsed() < Duration::from_secs(3), "idle connections are not waited for");
        assert!(!path.exists());
    }
}

#[test]
fn serve_on_loopback_requires_the_capability_and_host_f_cb5() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = Sandbox::new(&key_config(
        "x.example",
        "[credentials.other]\ndomain = \"y.example\"\njwt = \"other\"\n",
    ));
    let running = Running::start(&sandbox, &["--listen", "127.0.0.1:0", "-vv", "k"]);
    let (host, capability) = (running.host(), running.capability());
    assert_eq!(running.get("/token/k", "").1, "canary-key\n");
    assert_eq!(running.get("/token/other", "").0, 404, "it is not served");
    let file = running.path("capability_file");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(capability.len(), 43);
    let auth = format!("Authorization: Bearer {capability}\r\n");
    for (name, head, want) in [
        (
            "the raw value",
            format!("GET /token/k HTTP/1.1\r\nHost: {host}\r\nAuthorization: {capability}\r\n"),
            200,
        ),
        ("absolute form", format!("GET http://{host}/token/k HTTP/1.1\r\nHost: {host}\r\n{auth}"), 200),
        ("no capability", format!("GET /token/k HTTP/1.1\r\nHost: {host}\r\n"), 401),
        (
            "a wrong one",
            format!("GET /token/k HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\n", "x".repeat(43)),
            401,
        ),
        ("a rebound name", format!("GET /token/k HTTP/1.1\r\nHost: evil.example\r\n{auth}"), 421),
        ("no host", format!("GET /token/k HTTP/1.1\r\n{auth}"), 421),
        ("two hosts", format!("GET /token/k HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n{auth}"), 421),
        (
            "another target",
            format!("GET http://evil.example/token/k HTTP/1.1\r\nHost: {host}\r\n{auth}"),
            421,
        ),
        ("a page", format!("GET /token/k HTTP/1.1\r\nHost: {host}\r\n{auth}Origin: http://{host}\r\n"), 403),
        (
            "a browser",
            format!("GET /token/k HTTP/1.1\r\nHost: {host}\r\n{auth}Sec-Fetch-Site: none\r\n"),
            403,
        ),
        ("a preflight", format!("OPTIONS /token/k HTTP/1.1\r\nHost: {host}\r\nOrigin: http://x\r\n"), 403),
        ("HEAD", format!("HEAD /token/k HTTP/1.1\r\nHost: {host}\r\n{auth}"), 405),
        ("POST", format!("POST /token/k HTTP/1.1\r\nHost: {host}\r\n{auth}Content-Length: 0\r\n"), 405),
        ("a body", format!("GET /token/k HTTP/1.1\r\nHost: {host}\r\n{auth}Content-Length: 5\r\n"), 413),
        ("a tunnel", format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n{auth}"), 405),
        ("no HTTP", "\u{16}\u{3}\u{1}".to_owned(), 400),
    ] {
        let (status, text) = running.exchange(&format!("{head}Connection: close\r\n\r\n"));
        assert_eq!(status, want, "{name}: {text}");
        assert!(want == 200 || !text.contains("canary") && !text.contains(&capability), "{name}: {text}");
    }
    let said = running.end();
    assert!(!said.contains(&capability) && !said.contains("canary"), "{said}");
    assert!(!file.exists());

    let kept = sandbox.path("kept/capability").display().to_string();
    let listen = ["--listen", "127.0.0.1:0", "--capability-file", &kept];
    let first = Running::start(&sandbox, &listen);
    let capability = first.capability();
    first.end();
    assert!(!sandbox.path("kept/capability").exists());
    let keeping = [&listen[..], &["--keep-capability"]].concat();
    let second = Running::start(&sandbox, &keeping);
    let new = second.capability();
    assert_ne!(new, capability, "it is made anew");
    second.end();
    assert_eq!(Running::start(&sandbox, &keeping).capability(), new, "unless it is kept");
    set_mode(&sandbox.path("kept/capability"), 0o644);
    let output = sandbox.binary(BINARY, &[&["serve"], &keeping[..]].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    for address in ["0.0.0.0:0", "localhost:0", "192.0.2.1:80"] {
        let output = sandbox.binary(BINARY, &["serve", "--listen", address]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{address}");
    }
}

#[test]
fn slow_and_huge_request_heads_are_refused_f_hlp1() {
    let sandbox = Sandbox::new(&key_config("x.example", ""));
    let running = Running::start(&sandbox, &["--socket", &socket(&sandbox)]);
    let huge = format!("GET /token/k HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    assert_eq!(running.exchange(&huge).0, 431);
    let many = format!("GET /token/k HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(200));
    assert_eq!(running.exchange(&many).0, 431);
    // More silent ones than may be open hold nobody up for longer than a head may take.
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

/// Connections of clients that show no capability: some silent, some with half a request, some with many that never read.
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
fn clients_without_the_capability_hold_no_place_against_others() {
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
    assert!(text.contains("data: two"), "a stream that is under way goes on: {text}");
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
    assert!(idle.iter_mut().rev().take(60).all(|stream| ask(&mut **stream)), "while they come");
    for _ in 0..150 {
        let mut stream = running.connect();
        assert!(ask(&mut *stream));
        idle.push(stream);
    }
    assert!(begun.elapsed() < Duration::from_secs(8), "before any deadline: {:?}", begun.elapsed());
    let last = idle.len() - 1;
    assert!(ask(&mut *idle[last]), "the newest one is kept");
}

/// What a proxy listens on, and how it is asked.
fn proxy(sandbox: &Sandbox, more: &[&str]) -> Running {
    Running::start(sandbox, &[&["--proxy", "k", "--listen", "127.0.0.1:0"], more].concat())
}

/// F-LEAK9: one provider, one host.
#[test]
fn the_proxy_forwards_to_one_host_and_replaces_the_credential() {
    let beyond = Server::start(|request| match request.path() {
        "/redirect" => Reply::redirect(302, "http://127.0.0.1:9/elsewhere"),
        _ => Reply::full(
            201,
            &[("x-theirs", "1"), ("keep-alive", "timeout=5"), ("x-hop", "1"), ("connection", "x-hop")],
            request.body.clone(),
        ),
    });
    let sandbox = Sandbox::new(&key_config(&beyond.address().to_string(), "hosts = [\"127.0.0.1:9\"]"));
    let running = proxy(&sandbox, &["-vv"]);
    let (host, capability) = (running.host(), running.capability());
    let (status, text) = running.exchange(&format!(
        "POST /a%2Fb//c?d=%20e HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {capability}\r\nProxy-Authorization: x\r\nDPoP: x\r\nX-Own: 1\r\nX-Hop: 1\r\nTE: trailers\r\nConnection: close, x-hop\r\nContent-Length: 5\r\n\r\nhello"
    ));
    assert_eq!(status, 201, "{text}");
    assert!(text.ends_with("hello") && text.contains("x-theirs: 1"), "{text}");
    assert!(!text.contains("x-hop") && !text.contains("keep-alive"), "{text}");
    let seen = beyond.requests().remove(0);
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/a%2Fb//c?d=%20e"));
    assert_eq!(seen.header("authorization"), Some("Bearer canary-key"));
    assert_eq!(seen.header("host"), Some(beyond.address().to_string().as_str()));
    assert_eq!((seen.header("content-length"), seen.header("transfer-encoding")), (Some("5"), None));
    assert_eq!(seen.header("x-own"), Some("1"));
    for gone in ["dpop", "proxy-authorization", "te", "x-hop"] {
        assert_eq!(seen.header(gone), None, "{gone}");
    }
    // F-REDIR: the answer is the client's.
    let (status, _) = running.get("/redirect", "");
    assert_eq!(status, 302);

    let before = beyond.requests().len();
    let auth = format!("Authorization: Bearer {capability}\r\n");
    for (name, head, want) in [
        ("no capability", format!("GET / HTTP/1.1\r\nHost: {host}\r\n"), 401),
        (
            "the key itself",
            format!("GET / HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer canary-key\r\n"),
            401,
        ),
        ("another host", format!("GET http://evil.example/ HTTP/1.1\r\nHost: {host}\r\n{auth}"), 421),
        ("another Host", format!("GET / HTTP/1.1\r\nHost: evil.example\r\n{auth}"), 421),
        ("a page", format!("GET / HTTP/1.1\r\nHost: {host}\r\n{auth}Origin: http://x\r\n"), 403),
        ("upwards", format!("GET /a/../b HTTP/1.1\r\nHost: {host}\r\n{auth}"), 400),
        ("upwards, escaped", format!("GET /a/%2e%2e/b HTTP/1.1\r\nHost: {host}\r\n{auth}"), 400),
        ("a tunnel", format!("CONNECT evil.example:443 HTTP/1.1\r\nHost: {host}\r\n{auth}"), 421),
        ("another protocol", format!("GET / HTTP/1.1\r\nHost: {host}\r\n{auth}Upgrade: websocket\r\n"), 501),
        // F-SRV2
        ("an echo", format!("TRACE / HTTP/1.1\r\nHost: {host}\r\n{auth}"), 501),
        ("an echo in other letters", format!("tRaCe / HTTP/1.1\r\nHost: {host}\r\n{auth}"), 501),
        ("an echo of IIS", format!("TRACK / HTTP/1.1\r\nHost: {host}\r\n{auth}"), 501),
        ("a tunnel in other letters", format!("connect / HTTP/1.1\r\nHost: {host}\r\n{auth}"), 501),
        (
            "an echo by a header",
            format!("POST / HTTP/1.1\r\nHost: {host}\r\n{auth}X-HTTP-Method-Override: TRACE\r\n"),
            501,
        ),
        (
            "an echo by the second of two headers",
            format!(
                "POST / HTTP/1.1\r\nHost: {host}\r\n{auth}X-Method-Override: PUT\r\nX-Method-Override: track\r\n"
            ),
            501,
        ),
        (
            "two lengths",
            format!("POST / HTTP/1.1\r\nHost: {host}\r\n{auth}Content-Length: 1\r\nContent-Length: 2\r\n"),
            400,
        ),
        (
            "another coding",
            format!("POST / HTTP/1.1\r\nHost: {host}\r\n{auth}Transfer-Encoding: chunked, x\r\n"),
            400,
        ),
    ] {
        let (status, text) = running.exchange(&format!("{head}Connection: close\r\n\r\n"));
        assert_eq!(status, want, "{name}: {text}");
    }
    assert_eq!(beyond.requests().len(), before, "nothing of it was passed on");
    assert_eq!(running.get("//evil.example/x", "").0, 201, "a path, and no host");
    assert_eq!(beyond.requests().last().unwrap().target, "//evil.example/x");

    sandbox.configure(&key_config("moved.example", ""));
    assert_eq!(running.get("/", "").0, 500, "the configuration has another host now");
    let said = running.end();
    assert!(!said.contains("canary") && !said.contains(&capability), "{said}");
    let output =
        sandbox.binary(BINARY, &["serve", "--proxy", "k", "--host", "evil.example"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    drop(beyond);
    sandbox.configure(&key_config("127.0.0.1:9", ""));
    let running = proxy(&sandbox, &[]);
    let (status, body) = running.get("/", "");
    assert_eq!((status, error(&body).as_str()), (502, "unreachable"));
}

/// A body with both framings is read as RFC 9112 section 6.3 says, and passed on with one; the connection ends.
#[test]
fn what_is_smuggled_is_a_body_and_no_request() {
    let beyond = Server::start(|_| Reply::full(200, &[], "ok"));
    let sandbox = Sandbox::new(&key_config(&beyond.address().to_string(), ""));
    let running = proxy(&sandbox, &[]);
    let auth = format!("Host: {}\r\nAuthorization: Bearer {}\r\n", running.host(), running.capability());
    for framing in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    ] {
        let before = beyond.requests().len();
        let (_, text) = running.exchange(&format!(
            "POST /first HTTP/1.1\r\n{auth}{framing}\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n{auth}\r\n"
        ));
        assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{text}");
        let seen = beyond.requests().split_off(before);
        assert!(seen.iter().all(|request| request.target == "/first"), "{seen:?}");
        assert!(seen.iter().all(|request| request.header("content-length").is_none()), "{seen:?}");
    }
}

#[test]
fn a_refused_credential_is_renewed_once_and_nonces_are_kept() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    login(&sandbox);
    let running = Running::start(&sandbox, &["--proxy", "as", "--socket", &socket(&sandbox)]);
    assert_eq!(running.get("/api", ""), (200, "{\"hello\":\"alice\"}".to_owned()));
    let refusal = || Reply::full(401, &[("www-authenticate", "Bearer error=\"invalid_token\"")], "no");
    server.fault("/api", refusal());
    assert_eq!(running.get("/api", "").0, 200);
    assert_eq!(server.token_requests("refresh_token"), 1);
    let tokens: Vec<_> = server
        .requests_to("/api")
        .iter()
        .map(|request| request.header("authorization").unwrap().to_owned())
        .collect();
    assert_eq!(tokens.len(), 3);
    assert!(tokens[0] == tokens[1] && tokens[1] != tokens[2], "{tokens:?}");
    server.fault("/api", refusal());
    assert_eq!(running.get("/api", ""), (401, "no".to_owned()), "not for every refusal");
    assert_eq!(server.token_requests("refresh_token"), 1);
    let scope = [("www-authenticate", "Bearer error=\"insufficient_scope\"")];
    server.fault("/api", Reply::full(401, &scope, "more"));
    assert_eq!(running.get("/api", ""), (401, "more".to_owned()), "a new token would have no more scopes");
    server.fault("/api", refusal());
    let posted = "POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx";
    assert_eq!(running.exchange(posted).0, 401, "a body is sent once");
    running.end();

    let server = AuthorizationServer::start();
    server.set(|behaviour| {
        behaviour.dpop = true;
        behaviour.dpop_nonces = Some(("as-nonce".to_owned(), "rs-nonce".to_owned()));
    });
    let sandbox = Sandbox::new(&server_config(&server.domain(), "use_dpop = true"));
    login(&sandbox);
    let running = Running::start(&sandbox, &["--proxy", "as", "--socket", &socket(&sandbox)]);
    assert_eq!(running.get("/api?x=1", "").0, 200);
    assert_eq!(server.requests_to("/api").len(), 2, "once more with the nonce");
    assert_eq!(running.get("/api?x=2", "").0, 200);
    assert_eq!(server.requests_to("/api").len(), 3, "which is kept");
    assert_eq!(server.token_requests("refresh_token"), 0);
    running.end();
}

/// A server beyond that streams: it reads a chunked body and counts it, then sends as much.
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

/// A proxy reaches its host as everything else does: with the provider's certificate authorities.
#[test]
fn a_proxy_speaks_tls_with_the_configured_authorities() {
    let (authority, tls) = certificates();
    let beyond = Server::start_tls(tls, |request| match request.path() {
        "/token" => Reply::json(200, &json!({ "access_token": "over-tls", "token_type": "bearer" })),
        _ => Reply::full(200, &[], "beyond"),
    });
    let address = beyond.address();
    let config = |more: &str| {
        format!(
            "store = \"file\"\n[credentials.m]\ndomain = \"{address}\"\n[credentials.m.oauth]\ngrant_type = \"client_credentials\"\nclient_id = \"app\"\n_client_secret = \"s\"\ntoken_endpoint = \"https://{address}/token\"\n{more}"
        )
    };
    let sandbox = Sandbox::new("");
    let file = sandbox.write("ca.pem", &authority);
    sandbox.configure(&config(&format!("ca_file = \"{}\"\n", file.display())));
    let running = Running::start(&sandbox, &["--proxy", "m", "--socket", &socket(&sandbox)]);
    assert_eq!(running.get("/api", ""), (200, "beyond".to_owned()));
    assert_eq!(beyond.requests().last().unwrap().header("authorization"), Some("Bearer over-tls"));
    let seen = beyond.requests().len();
    sandbox.configure(&config(""));
    assert_eq!(running.get("/api", "").0, 502, "nobody vouches for it");
    assert_eq!(beyond.requests().len(), seen);
    running.end();
}

/// What the server beyond says first is there before it says more.
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

#[cfg(target_os = "linux")]
#[test]
fn google_s_libraries_get_their_tokens_without_a_capability_but_only_this_users() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| drop(behaviour.claims.insert("email".to_owned(), json!("alice@example.com"))));
    let sandbox = Sandbox::with_server(&server.domain());
    login(&sandbox);
    let running =
        Running::start(&sandbox, &["--listen", "127.0.0.1:0", "--gce", "as", "--gce-project", "my-project"]);
    let host = running.host();
    let ask = |path: &str, headers: &str| {
        let (status, text) = running
            .exchange(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\r\n"));
        assert!(text.contains("metadata-flavor: Google"), "{text}");
        (status, text.split_once("\r\n\r\n").unwrap().1.to_owned())
    };
    let flavor = "Metadata-Flavor: Google\r\n";
    let account = "/computeMetadata/v1/instance/service-accounts/default";
    assert_eq!(ask("/", flavor).0, 200);
    assert_eq!(ask("/computeMetadata/v1/project/project-id", flavor), (200, "my-project".to_owned()));
    let (_, token) = ask(&format!("{account}/token"), flavor);
    let token: Value = serde_json::from_str(&token).unwrap();
    assert!(server.accepts(token["access_token"].as_str().unwrap()));
    assert!(token["expires_in"].as_i64().unwrap() > 3500);
    assert_eq!(ask(&format!("{account}/email"), flavor).1, "alice@example.com");
    let (_, all) = ask(&format!("{account}/?recursive=true"), flavor);
    assert_eq!(serde_json::from_str::<Value>(&all).unwrap()["email"], "alice@example.com");
    let (status, identity) = ask(&format!("{account}/identity?audience=app"), flavor);
    assert_eq!((status, identity.matches('.').count()), (200, 2), "{identity}");
    assert_eq!(ask(&format!("{account}/identity?audience=other"), flavor).0, 404);
    assert_eq!(
        ask(&format!("{}/bob@example.com/token", account.trim_end_matches("/default")), flavor).0,
        404
    );
    assert_eq!(ask("/computeMetadata/v1/universe/universe-domain", flavor).0, 404);
    assert_eq!(ask(&format!("{account}/token"), "").0, 403);
    assert_eq!(ask(&format!("{account}/token"), &format!("{flavor}Origin: http://x\r\n")).0, 403);
    let token = format!("GET /token/as HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    assert_eq!(running.exchange(&token).0, 401, "all other routes need the capability");
    if rustix::process::geteuid().is_root() {
        let mut curl = Command::new("setpriv");
        curl.args([
            "--reuid",
            "65534",
            "--regid",
            "65534",
            "--clear-groups",
            "curl",
            "-sS",
            "-o",
            "/dev/null",
        ]);
        curl.args(["-w", "%{http_code}", "-H", "Metadata-Flavor: Google"]);
        let output = curl.arg(format!("http://{host}{account}/token")).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "401", "another user");
    }
    running.end();
}

#[test]
fn aws_s_libraries_get_keys() {
    let service = Server::start(|request| {
        assert_eq!(request.parameter("Action").as_deref(), Some("AssumeRoleWithWebIdentity"));
        Reply::full(
            200,
            &[("content-type", "text/xml")],
            "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAID</AccessKeyId><SecretAccessKey>canary-secret</SecretAccessKey><SessionToken>canary-session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
        )
    });
    let helper = format!(
        "helper.aws_role = \"arn:aws:iam::1:role/r\"\nhelper.aws_endpoint = \"{}/\"\n",
        service.url()
    );
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let jwt =
        format!("{}.{}.c2ln", part(json!({ "alg": "RS256" })), part(json!({ "iss": "https://ci.example" })));
    let config = format!(
        "store = \"file\"\n[credentials.k]\ndomain = \"x.example\"\njwt = \"{jwt}\"\n{helper}[credentials.other]\ndomain = \"y.example\"\njwt = \"{jwt}\"\n"
    );
    let sandbox = Sandbox::new(&config);
    let running = Running::start(&sandbox, &["--listen", "127.0.0.1:0"]);
    let (host, capability) = (running.host(), running.capability());
    let (status, text) = running.exchange(&format!(
        "GET /aws/k HTTP/1.1\r\nHost: {host}\r\nAuthorization: {capability}\r\nConnection: close\r\n\r\n"
    ));
    assert_eq!(status, 200, "{text}");
    let keys: Value = serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(
        keys,
        json!({ "AccessKeyId": "ASIAID", "SecretAccessKey": "canary-secret", "Token": "canary-session", "Expiration": "2099-01-01T00:00:00Z" })
    );
    assert_eq!(service.requests().last().unwrap().parameter("WebIdentityToken"), Some(jwt));
    // F-AWS1: the client chooses no provider whose configuration does not name AWS.
    for target in ["/aws/other", "/aws/other?role=arn:aws:iam::1:role/r"] {
        let (status, body) = running.get(target, "");
        assert_eq!((status, error(&body).as_str()), (500, "config"), "{target}");
        assert!(body.contains("not configured for AWS"), "{body}");
    }
    assert_eq!(service.requests().len(), 1);
    running.end();
}
