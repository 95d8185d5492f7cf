//! Who may connect to `serve`.

use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{BINARY, Running, key_config, socket};
use crate::support::Sandbox;
use crate::support::sandbox::set_mode;

/// F-STO2: neither the mode nor the kernel lets another user in.
#[test]
fn only_the_owner_can_use_the_socket() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = Sandbox::new(&key_config("x.example", ""));
    let path = sandbox.path("sockets/s");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    // A socket that a killed server left behind.
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
    assert!(refused(&["--socket", file.to_str().unwrap()]).contains("is not a socket"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    let open = sandbox.path("open");
    std::fs::create_dir(&open).unwrap();
    set_mode(&open, 0o777);
    assert!(refused(&["--socket", open.join("s").to_str().unwrap()]).contains("chmod 0700"));

    // The mode keeps other users out; where modes have no effect, the peer's user id from the kernel does.
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
}

#[test]
fn serve_writes_a_new_capability_unless_it_is_kept() {
    let sandbox = Sandbox::new(&key_config("x.example", ""));
    let kept = sandbox.path("kept/capability").display().to_string();
    let listen = ["--listen", "127.0.0.1:0", "--capability-file", &kept];
    let first = Running::start(&sandbox, &listen);
    let capability = first.capability();
    first.end();
    assert!(!sandbox.path("kept/capability").exists());
    let keeping = [&listen[..], &["--keep-capability"]].concat();
    let second = Running::start(&sandbox, &keeping);
    let new = second.capability();
    assert_ne!(new, capability, "a new one is created");
    second.end();
    assert_eq!(Running::start(&sandbox, &keeping).capability(), new, "unless it is stored");
    set_mode(&sandbox.path("kept/capability"), 0o644);
    let output = sandbox.binary(BINARY, &[&["serve"], &keeping[..]].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn serve_listens_only_on_loopback_addresses() {
    let sandbox = Sandbox::new(&key_config("x.example", ""));
    for address in ["0.0.0.0:0", "localhost:0", "192.0.2.1:80"] {
        let output = sandbox.binary(BINARY, &["serve", "--listen", address]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{address}");
    }
}
