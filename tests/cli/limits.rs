//! The system's limits end nothing with a panic, lose no session and let nobody shut others out (F-CB21, F-ROT5, F-SRV1).

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use url::Url;

use crate::support::browsers::redirect_of;
use crate::support::http::get;
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

const BINARY: &str = env!("CARGO_BIN_EXE_authctl");
/// A user of no other test: what else they run would count.
const USER: &str = "65532";

/// The program as a user who may have so many threads and processes. The limit does not hold for root.
fn limited(sandbox: &Sandbox, most: u32, arguments: &[&str]) -> Command {
    let is_root = rustix::process::geteuid().is_root();
    assert!(is_root, "this test acts as another user: run it as root, or pass `--skip as_another_user`");
    let owner = format!("{USER}:{USER}");
    assert!(Command::new("chown").args(["-R", &owner]).arg(sandbox.path("")).status().unwrap().success());
    let limit = format!("--nproc={most}");
    let run = ["--reuid", USER, "--regid", USER, "--clear-groups", "prlimit", &limit, BINARY];
    let mut command = sandbox.binary("setpriv", &[&run, arguments].concat());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn a_flood_starts_no_threads_and_does_not_end_the_login_f_cb21_as_another_user() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    // One thread for the program, one for the HTTP client.
    let mut login = limited(&sandbox, 2, &["login", "as", "--no-browser"]).spawn().unwrap();
    let mut lines = BufReader::new(login.stderr.take().unwrap());
    let url = loop {
        let mut line = String::new();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the login has ended");
        if let Ok(url) = Url::parse(line.trim()) {
            break url;
        }
    };
    let redirect = redirect_of(&url).unwrap();
    let address = redirect.socket_addrs(|| None).unwrap()[0];
    let mut open = Vec::new();
    for number in 0..600 {
        let mut stream = TcpStream::connect(address).unwrap();
        match number % 3 {
            0 => {}
            1 => drop(stream.write_all(b"GET /callback?code=")),
            _ => drop(stream.write_all(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\nand more")),
        }
        open.push(stream);
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", login.id())).unwrap();
    let threads = status.lines().find_map(|line| line.strip_prefix("Threads:")).unwrap().trim();
    assert_eq!(threads, "2");
    assert_eq!(get(&redirect).unwrap().0, 200);
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert_eq!(login.wait().unwrap().code(), Some(0), "{rest}");
    assert!(rest.contains("Logged in to as"), "{rest}");
    assert_eq!(server.token_requests("authorization_code"), 1);
}

#[test]
fn without_threads_every_command_fails_with_a_reason_f_cb21_as_another_user() {
    let server = AuthorizationServer::start();
    let commands = "[credentials.program]\ndomain = \"x.example\"\ncommand = [\"echo\", \"t\"]\n\
                    [credentials.literal]\ndomain = \"x.example\"\njwt = \"t\"\n";
    let sandbox = Sandbox::new(&format!("{}\n{commands}", server_config(&server.domain(), "")));
    for (arguments, said) in [
        (&["login", "as", "--no-browser"][..], "the network cannot be used"),
        (&["token", "program"], "cannot run echo"),
        (&["helper", "cargo", "--cargo-plugin"], "cannot read standard input"),
        (&["curl", "literal", "https://x.example/"], "cannot run curl"),
    ] {
        let output = limited(&sandbox, 1, arguments).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!matches!(output.status.code(), None | Some(0 | 101)), "{arguments:?}: {stderr}");
        assert!(stderr.contains(said) && !stderr.contains("panicked"), "{arguments:?}: {stderr}");
    }
    // What needs no thread works.
    let output = limited(&sandbox, 1, &["token", "literal"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "t\n", "{output:?}");
}

/// The program in a shell with a limit.
fn in_shell(sandbox: &Sandbox, ulimit: &str, arguments: &[&str]) -> Command {
    let script = format!("ulimit {ulimit} && exec \"$0\" \"$@\"");
    let mut command = sandbox.binary("sh", &[&["-c", &script, BINARY], arguments].concat());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn a_limit_on_the_size_of_files_loses_no_session_f_rot5() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    let token = ["token", "as", "--refresh"];
    let run = |ulimit: &str, arguments: &[&str]| {
        let output = in_shell(&sandbox, ulimit, arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (status, stderr) = run("-f unlimited", &["login", "as", "--browser", "curl -sL -o /dev/null %s"]);
    assert_eq!(status, Some(0), "{stderr}");
    // Too small for any record: nothing is sent.
    for blocks in [0, 1, 2, 4, 8] {
        let (status, stderr) = run(&format!("-f {blocks}"), &token);
        assert_eq!(status, Some(6), "{blocks}: {stderr}");
        assert!(stderr.contains("ulimit -f"), "{blocks}: {stderr}");
    }
    assert_eq!(server.token_requests("refresh_token"), 0);
    // Too small for this record, which nobody could know: the refresh token is rescued.
    let long = "x".repeat(200 << 10);
    server.set(|behaviour| drop(behaviour.token_members.insert("access_token".to_owned(), long.into())));
    let (status, stderr) = run("-f 200", &token);
    assert_eq!(status, Some(6), "{stderr}");
    assert!(stderr.contains("File too large") && stderr.contains("until the next run"), "{stderr}");
    server.set(|behaviour| behaviour.token_members.clear());
    let next = in_shell(&sandbox, "-f unlimited", &["token", "as"]).output().unwrap();
    assert!(server.accepts(String::from_utf8_lossy(&next.stdout).trim()), "{next:?}");
    assert!(!server.any_family_revoked());
    // A program that authctl runs is ended by the signal, as without authctl.
    let writes = "head -c 300000 /dev/zero > big; kill -l $?";
    let output = in_shell(&sandbox, "-f 1", &["exec", "as", "--", "sh", "-c", writes]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("XFSZ"), "{output:?}");
}

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
            assert_ne!(lines.read_line(&mut line).unwrap(), 0, "{ulimit}: the login has ended");
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
fn a_limit_on_open_files_loses_no_session_f_rot5() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    let run = |most: usize, arguments: &[&str]| {
        let output = in_shell(&sandbox, &format!("-n {most}"), arguments).output().unwrap();
        let sent = server.token_requests("refresh_token");
        (output.status.code(), String::from_utf8(output.stderr).unwrap(), sent)
    };
    let (status, stderr, _) = run(1024, &["login", "as", "--browser", "curl -sL -o /dev/null %s"]);
    assert_eq!(status, Some(0), "{stderr}");
    let mut refused = 0;
    for most in 5..24 {
        let before = server.token_requests("refresh_token");
        let (status, stderr, sent) = run(most, &["token", "as", "--refresh"]);
        if status != Some(0) {
            assert!(!matches!(status, None | Some(101)), "{most}: {stderr}");
            assert_eq!(sent, before, "{most}: nothing was sent whose answer could not be saved: {stderr}");
            refused += 1;
        }
    }
    assert!((4..16).contains(&refused), "{refused}");
    assert_eq!(run(1024, &["token", "as", "--refresh"]).0, Some(0));
    assert!(!server.any_family_revoked());
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
