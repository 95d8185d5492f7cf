//! The message bus on which the keyring is found: who may respond there, and how authctl handles hostile responses.

use std::io::{Read as _, Write as _};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use crate::support::Sandbox;
use crate::support::sandbox::Output;

const CONFIG: &str =
    "store = \"auto\"\n[credentials.x]\ndomain = \"x.example\"\napi_key.key = { stored = true }\n";
const CANARY: &str = "canary-of-the-store";
const GUID: &str = "0123456789abcdef0123456789abcdef";

/// A bus that sends the same bytes to every connection and records what it receives.
struct Bus {
    name: String,
    received: Arc<Mutex<Vec<u8>>>,
}

impl Bus {
    fn answering(answer: impl Into<Vec<u8>>) -> Self {
        Self::of_user(None, answer)
    }

    /// A bus that another user runs: the kernel remembers who called `listen`.
    fn of_user(uid: Option<u32>, answer: impl Into<Vec<u8>>) -> Self {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("authctl-test-{}-{count}", std::process::id());
        let (received, answer) = (Arc::new(Mutex::new(Vec::new())), answer.into());
        let (ready, started) = std::sync::mpsc::channel();
        let (address, log) = (SocketAddr::from_abstract_name(&name).unwrap(), Arc::clone(&received));
        std::thread::spawn(move || {
            if let Some(uid) = uid.map(rustix::process::Uid::from_raw) {
                rustix::thread::set_thread_res_uid(uid, uid, uid).unwrap();
            }
            let listener = UnixListener::bind_addr(&address).unwrap();
            ready.send(()).unwrap();
            for connection in listener.incoming() {
                let (mut connection, log, answer) = (connection.unwrap(), Arc::clone(&log), answer.clone());
                std::thread::spawn(move || {
                    let mut part = [0; 4096];
                    let mut answered = false;
                    while let Ok(count @ 1..) = connection.read(&mut part) {
                        log.lock().unwrap().extend_from_slice(&part[..count]);
                        if !answered {
                            answered = connection.write_all(&answer).is_ok();
                        }
                    }
                });
            }
        });
        started.recv().unwrap();
        Self { name, received }
    }

    fn address(&self) -> String {
        format!("unix:abstract={}", self.name)
    }

    fn received(&self, text: &str) -> bool {
        let received = self.received.lock().unwrap();
        received.windows(text.len()).any(|part| part == text.as_bytes())
    }
}

/// Runs authctl in a session with this bus address, with a secret on its standard input.
fn run(sandbox: &Sandbox, address: &str, arguments: &[&str]) -> Output {
    let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), arguments);
    command.env("DBUS_SESSION_BUS_ADDRESS", address);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that has already failed does not read it.
    let _ = child.stdin.take().unwrap().write_all(CANARY.as_bytes());
    let output = child.wait_with_output().unwrap();
    Output {
        status: output.status.code().map_or(255, |status| u8::try_from(status).unwrap()),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Commands that use the keyring.
const USES: &[&[&str]] =
    &[&["secret", "set", "x", "key"], &["headers", "x"], &["secret", "unset", "x", "key"]];

#[track_caller]
fn refuses(address: &str, said: &[&str]) {
    for arguments in USES {
        let sandbox = Sandbox::new(CONFIG);
        let output = run(&sandbox, address, arguments).fails(6);
        for text in said {
            assert!(output.stderr.contains(text), "{arguments:?}: `{text}` is not in:\n{output}");
        }
        assert!(!output.stderr.contains(CANARY), "{arguments:?}: {output}");
        assert!(sandbox.stores_no_record(), "{arguments:?}: no other store replaces it");
    }
}

/// Whether something was sent to the bus that only an accepted bus gets.
fn was_trusted(bus: &Bus) -> bool {
    bus.received(CANARY) || bus.received("OpenSession") || bus.received("CreateItem")
}

/// F-KR6
#[test]
fn a_bus_gets_no_secret_that_runs_as_another_user() {
    assert!(rustix::process::geteuid().is_root(), "run this test as root, or skip it");
    let foreign = Bus::of_user(Some(65533), format!("OK {GUID}\r\n"));
    let wrong = format!("{},guid={}", foreign.address(), "f".repeat(32));
    for address in [foreign.address(), wrong, format!("unix:path=/nowhere;{}", foreign.address())] {
        refuses(&address, &["belongs to the user", "uid 65533", "DBUS_SESSION_BUS_ADDRESS"]);
    }
    assert_eq!(*foreign.received.lock().unwrap(), b"", "nothing was sent to it at all");
    // authctl tries the next address in the list, and checks it separately.
    let own = Bus::answering("OK 00\r\nnot D-Bus, 16 bytes");
    refuses(&format!("{};{}", foreign.address(), own.address()), &["is not D-Bus"]);
    assert_eq!(*foreign.received.lock().unwrap(), b"");
}

/// F-KR6
#[test]
fn a_bus_with_another_guid_than_its_address_names_gets_no_secret() {
    for (name, answer) in [
        ("another", format!("OK {}\r\n", GUID.replace('0', "1"))),
        ("none", "OK\r\n".to_owned()),
        ("a longer one", format!("OK {GUID}00\r\n")),
    ] {
        let bus = Bus::answering(answer);
        refuses(&format!("{},guid={GUID}", bus.address()), &["GUID", "DBUS_SESSION_BUS_ADDRESS"]);
        assert!(!was_trusted(&bus), "{name}");
    }
    let bus = Bus::answering("REJECTED EXTERNAL\r\n");
    refuses(&bus.address(), &["does not accept this user"]);
    assert!(!was_trusted(&bus));
    // The correct bus is used: its further messages are checked.
    let bus = Bus::answering(format!("OK {GUID}\r\nnot D-Bus, 16 bytes"));
    refuses(&format!("{},guid={}", bus.address(), GUID.to_uppercase()), &["is not D-Bus"]);
}

/// A method return whose one header field is a variant of this signature.
fn message(signature: &[u8]) -> Vec<u8> {
    let mut fields = vec![9, u8::try_from(signature.len()).unwrap()];
    fields.extend_from_slice(signature);
    fields.push(0);
    let mut message = vec![b'l', 2, 0, 1];
    for word in [0, 1, u32::try_from(fields.len()).unwrap()] {
        message.extend_from_slice(&word.to_le_bytes());
    }
    message.extend_from_slice(&fields);
    message.resize(message.len().next_multiple_of(8) + 64, 0);
    message
}

/// F-KR7
#[test]
fn a_malformed_message_of_the_bus_is_refused() {
    for signature in ["é", "aé", "(é)", "a{éé}", "(", "a", "z", "ay\u{7f}", "\u{1F980}"] {
        let mut answer = format!("OK {GUID}\r\n").into_bytes();
        answer.extend(message(signature.as_bytes()));
        let bus = Bus::answering(answer);
        refuses(&bus.address(), &["is not D-Bus"]);
        assert!(!was_trusted(&bus), "{signature}");
    }
    for answer in [&b"\xff\xfe\r\n"[..], b"OK\r\n\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", &[b'O'; 600]] {
        refuses(&Bus::answering(answer).address(), &["cannot use the keyring"]);
    }
}

/// A keyring that is gone cannot undo a write that succeeded.
#[test]
fn a_stale_address_does_not_fail_what_is_stored_or_moved_elsewhere() {
    for address in ["unix:path=/nowhere/bus", "unix:abstract=authctl-test-nobody-listens"] {
        let sandbox = Sandbox::new(CONFIG);
        for arguments in [&["secret", "set", "x", "key"][..], &["store", "move", "file"], &["headers", "x"]] {
            let output = run(&sandbox, address, arguments).ok();
            assert!(!output.stderr.contains("warning"), "{address} {arguments:?}: {output}");
        }
        let output = run(&sandbox, address, &["secret", "unset", "x", "key"]).ok();
        assert!(output.stderr.contains("Removed"), "{address}: {output}");
    }
}

/// F-KR6
#[test]
fn a_bus_that_is_refused_does_not_fail_a_move_of_what_is_already_moved() {
    let sandbox = Sandbox::new(CONFIG);
    run(&sandbox, "unix:path=/nowhere/bus", &["secret", "set", "x", "key"]).ok();
    let bus = Bus::answering("OK 00\r\nnot D-Bus, 16 bytes");
    let moved = run(&sandbox, &bus.address(), &["store", "move", "file"]).ok();
    moved.says("may still hold an old copy").says("is not D-Bus");
    // A secret that may exist only in the keyring was not moved.
    run(&Sandbox::new(CONFIG), &bus.address(), &["store", "move", "file"]).fails(6).says("is not D-Bus");
}
