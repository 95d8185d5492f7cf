//! Encrypted files outside authctl: a program in another language opens them as docs/store-format.md describes, and the
//! kernel's keyring remembers a passphrase.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;

use crate::parts::{Ended, Home, folder};

fn home(store: &str) -> Home {
    Home::new(&format!(
        "store = {{ kind = \"file\", {store} }}\n[credentials.old]\ndomain = \"old.example\"\nbasic = {{ username = \"me\", password = {{ stored = true }} }}\n"
    ))
}

fn piped(command: &mut std::process::Command, input: &str) -> Ended {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Ended::from(child.wait_with_output().unwrap())
}

/// The secret that another program reads from the home's only record.
fn opened(home: &Home, given: &str) -> String {
    let found = |folder: &str, ending: &str| -> PathBuf {
        let files = std::fs::read_dir(home.folder.path().join(folder)).unwrap();
        let mut files = files.map(|file| file.unwrap().path());
        files.find(|path| path.extension().is_some_and(|found| found == ending)).unwrap()
    };
    let mut python = std::process::Command::new("/usr/bin/python3");
    python.arg(folder().join("programs/open-record.py"));
    python.arg(found(".local/share/authctl", "key")).arg(found(".local/state/authctl/records", "sealed"));
    let opened = piped(&mut python, given).ok();
    let record: serde_json::Value = serde_json::from_str(&opened.stdout).unwrap();
    record["secret"].as_str().unwrap().to_owned()
}

#[test]
fn another_language_opens_a_record() {
    let key = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    for (store, given) in [
        ("key = \"file\"", ""),
        ("key = { command = [\"echo\", \"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\"] }", key),
    ] {
        let home = home(store);
        piped(&mut home.command(&["secret", "set", "old", "password"]), "s3cret\n").ok();
        assert_eq!(opened(&home, given), "s3cret", "{store}");
        home.run(&["store", "rekey"]).ok();
        assert_eq!(opened(&home, given), "s3cret", "{store}");
    }
}

#[test]
fn the_kernel_keyring_caches_a_passphrase_f_sto6() {
    let home = home("key = \"passphrase\", unlock_for = \"2s\"");
    let unlock = || piped(&mut home.command(&["store", "unlock"]), "correct horse");
    unlock().ok();
    piped(&mut home.command(&["secret", "set", "old", "password"]), "s3cret\n").ok();
    assert_eq!(home.run(&["token", "old"]).ok().text(), "s3cret");
    assert_eq!(opened(&home, "correct horse"), "s3cret");
    std::thread::sleep(std::time::Duration::from_millis(2200));
    home.run(&["token", "old"]).fails(6).says("authctl store unlock");
    unlock().ok();
    assert_eq!(home.run(&["token", "old"]).ok().text(), "s3cret");
}
