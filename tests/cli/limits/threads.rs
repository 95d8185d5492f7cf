//! Limits on threads.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use url::Url;

use super::BINARY;
use crate::support::browsers::redirect_of;
use crate::support::http::get;
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

/// A user that no other test uses: all of the user's processes count.
const USER: &str = "65532";

/// Runs authctl as a user with a limit on threads and processes, which does not apply to root.
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
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the login has finished");
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
        (&["login", "as", "--no-browser"][..], "cannot use the network"),
        (&["token", "program"], "cannot run echo"),
        (&["helper", "cargo", "--cargo-plugin"], "cannot read standard input"),
        (&["curl", "literal", "https://x.example/"], "cannot run curl"),
    ] {
        let output = limited(&sandbox, 1, arguments).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!matches!(output.status.code(), None | Some(0 | 101)), "{arguments:?}: {stderr}");
        assert!(stderr.contains(said) && !stderr.contains("panicked"), "{arguments:?}: {stderr}");
    }
    // Commands that need no thread work.
    let output = limited(&sandbox, 1, &["token", "literal"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "t\n", "{output:?}");
}
