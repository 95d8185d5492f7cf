//! The real Secret Service: what it stores, who else can read it, and the errors when it is locked, gone or silent.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use authctl::store::keyring::secret_service::SecretService;
use keyring_core::api::CredentialStoreApi as _;

use crate::parts::{Bus, Ended, Home};

const CONFIG: &str = "[credentials.x]\ndomain = \"x.example\"\njwt = { stored = true }\n";

#[test]
fn records_of_every_size_come_back_as_they_were() {
    let mut bus = Bus::with_keyring();
    let keyring = SecretService::new(bus.address.clone());
    let entry = keyring.build("authctl", "x+default+0", None).unwrap();
    assert!(matches!(entry.get_secret(), Err(keyring_core::Error::NoEntry)));
    for size in [1, 4 << 10, 64 << 10, 1 << 20] {
        let secret: Vec<u8> = (0..size).map(|index| b' ' + u8::try_from(index % 90).unwrap()).collect();
        entry.set_secret(&secret).unwrap();
        assert_eq!(entry.get_secret().unwrap(), secret, "{size}");
    }
    let found = keyring.search(&HashMap::from([("service", "authctl")])).unwrap();
    assert_eq!(found.len(), 1, "a write replaces");
    assert_eq!(found[0].get_specifiers().unwrap().1, "x+default+0");
    entry.delete_credential().unwrap();
    assert!(matches!(entry.get_secret(), Err(keyring_core::Error::NoEntry)));
    assert!(matches!(entry.delete_credential(), Err(keyring_core::Error::NoEntry)));
    assert!(bus.keyring_is_alive());
}

#[test]
fn other_keyring_programs_and_authctl_read_each_others_entries() {
    let bus = Bus::with_keyring();
    let keyring = SecretService::new(bus.address.clone());
    keyring.build("authctl", "ours", None).unwrap().set_secret(b"written by us").unwrap();
    let looked_up = bus.run("secret-tool", &["lookup", "service", "authctl", "username", "ours"], "");
    assert_eq!(String::from_utf8_lossy(&looked_up.stdout), "written by us");
    let shown = bus.run("secret-tool", &["search", "service", "authctl"], "");
    assert!(String::from_utf8_lossy(&shown.stdout).contains("label = authctl: ours"), "what Seahorse shows");
    let python = "import keyring; print(keyring.get_password('authctl', 'ours'), end='')";
    let read = bus.run("/usr/bin/python3", &["-c", python], "");
    assert_eq!(
        String::from_utf8_lossy(&read.stdout),
        "written by us",
        "{}",
        String::from_utf8_lossy(&read.stderr)
    );

    bus.run(
        "secret-tool",
        &["store", "--label=theirs", "service", "authctl", "username", "theirs"],
        "written by them",
    );
    assert_eq!(keyring.build("authctl", "theirs", None).unwrap().get_secret().unwrap(), b"written by them");
    let python = "import keyring; keyring.set_password('authctl', 'python', 'written by python')";
    let wrote = bus.run("/usr/bin/python3", &["-c", python], "");
    assert!(wrote.status.success(), "{}", String::from_utf8_lossy(&wrote.stderr));
    assert_eq!(keyring.build("authctl", "python", None).unwrap().get_secret().unwrap(), b"written by python");
}

/// A home on this bus with a stored secret.
fn home(bus: &Bus) -> Home {
    let mut home = Home::new(CONFIG);
    home.bus = Some(bus.address.clone());
    let mut set = home.command(&["secret", "set", "x", "jwt"]);
    let mut child = set.stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"tok\n").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(home.run(&["token"]).ok().text(), "tok");
    home
}

#[test]
fn locked_missing_and_empty_keyrings_are_distinguished_f_kr1_f_kr2() {
    let mut bus = Bus::with_keyring();
    let home = home(&bus);
    bus.start_keyring(false);
    home.run(&["token"]).fails(6).says("the keyring is locked").says("authctl store unlock");
    bus.stop_keyring();
    let gone = home.run(&["token"]);
    assert!(
        gone.status == Some(1) && gone.stderr.contains("no `jwt` is stored"),
        "auto without a keyring looks in files: {gone:#?}"
    );
    home.configure(&format!("store = \"keyring\"\n{CONFIG}"));
    home.run(&["token"]).fails(6).says("no keyring service runs");
    bus.start_keyring(true);
    assert_eq!(home.run(&["token"]).ok().text(), "tok");
    home.run(&["secret", "unset", "x", "jwt"]).ok();
    home.run(&["token"]).fails(1).says("no `jwt` is stored for `x`");
}

#[test]
fn a_keyring_that_never_replies_times_out_f_kr1() {
    let bus = Bus::with_keyring();
    let home = home(&bus);
    let signal = |name: &str| {
        let status = Command::new("kill").args([name, &bus.keyring_process().to_string()]).status().unwrap();
        assert!(status.success());
    };
    signal("-STOP");
    let start = Instant::now();
    home.run(&["token"]).fails(6).says("does not answer");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    signal("-CONT");
    assert_eq!(home.run(&["token"]).ok().text(), "tok");
}

/// gnome-keyring also does this on its own: a save at that moment must not fail.
#[test]
fn a_default_collection_that_disappears_briefly_is_found_again_f_kr1() {
    let bus = Bus::with_keyring();
    let home = home(&bus);
    // Its file identifies the collection.
    let set_default =
        |name| std::fs::write(bus.folder.path().join(".local/share/keyrings/default"), name).unwrap();
    set_default("gone");
    let mut set = home.command(&["secret", "set", "x", "jwt"]);
    let mut child = set.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"new\n").unwrap();
    std::thread::sleep(Duration::from_millis(150));
    set_default("login");
    Ended::from(child.wait_with_output().unwrap()).ok();
    assert_eq!(home.run(&["token"]).ok().text(), "new");
}

#[test]
fn two_entries_with_one_name_are_an_error_f_kr4() {
    let bus = Bus::with_keyring();
    let home = home(&bus);
    let keyring = SecretService::new(bus.address.clone());
    let name =
        keyring.search(&HashMap::from([("service", "authctl")])).unwrap()[0].get_specifiers().unwrap().1;
    bus.run(
        "secret-tool",
        &["store", "--label=x", "service", "authctl", "username", &name, "more", "attributes"],
        "other",
    );
    home.run(&["token"]).fails(6).says("found 2 copies of");
}

#[test]
fn many_reads_leave_the_keyring_alive() {
    let mut bus = Bus::with_keyring();
    let keyring = SecretService::new(bus.address.clone());
    keyring.build("authctl", "x", None).unwrap().set_secret(b"s").unwrap();
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let keyring = keyring.clone();
            std::thread::spawn(move || {
                for _ in 0..50 {
                    assert_eq!(keyring.build("authctl", "x", None).unwrap().get_secret().unwrap(), b"s");
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(bus.keyring_is_alive());
}

/// The daemon dies before it responds: authctl reports that at once instead of waiting.
#[test]
fn a_keyring_that_exits_mid_call_is_reported_f_kr1() {
    let mut bus = Bus::with_keyring();
    let home = home(&bus);
    let daemon = bus.keyring_process().to_string();
    let signal = |name: &str| assert!(Command::new("kill").args([name, &daemon]).status().unwrap().success());
    signal("-STOP");
    let pending = home.command(&["token"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let start = Instant::now();
    signal("-KILL");
    let ended = Ended::from(pending.wait_with_output().unwrap());
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    ended.fails(6);
    bus.start_keyring(true);
    assert_eq!(home.run(&["token"]).ok().text(), "tok");
}
