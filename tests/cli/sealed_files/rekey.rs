//! A change of the key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{PASSPHRASE, by_program, config, key_file};
use crate::support::sandbox::{server_config, set_mode};
use crate::support::{AuthorizationServer, Sandbox};

/// A record that cannot be decrypted stops each change of the key before the old keys are deleted: repeated attempts delete
/// no key that a record needs, and the change can finally be completed.
#[test]
fn changes_of_the_key_that_cannot_be_finished_lose_nothing_f_sto1() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    let token = sandbox.run(&["token"]).ok();
    let (path, good) = sandbox
        .files()
        .into_iter()
        .find(|(path, _)| path.extension().is_some_and(|e| e == "sealed"))
        .unwrap();
    let path = sandbox.path("").join(path);
    let foreign = path.with_file_name("zz+default+0123456789abcdef.sealed");
    std::fs::write(&foreign, &good).unwrap();
    set_mode(&foreign, 0o600);
    for _ in 0..20 {
        sandbox.run(&["store", "rekey"]).fails(6).says("it is a different record");
        assert_eq!(sandbox.run(&["token"]).ok(), token);
    }
    std::fs::remove_file(&foreign).unwrap();
    sandbox.run(&["store", "rekey"]).ok();
    let long = std::fs::read(sandbox.path("data/store.key")).unwrap().len();
    sandbox.run(&["store", "rekey"]).ok();
    assert_eq!(std::fs::read(sandbox.path("data/store.key")).unwrap().len(), long, "one key is left");
    assert_eq!(sandbox.run(&["token"]).ok(), token);
}

#[test]
fn rekey_takes_the_key_from_one_source_to_the_next() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    sandbox.input.pipe("s3cret");
    let basic = "[credentials.old]\ndomain = \"old.example\"\nbasic = { username = \"me\", password = { stored = true } }\n";
    let with_basic = |config: &str| sandbox.configure(&format!("{config}{basic}"));
    let plain = server_config(&server.domain(), "default = \"as\"\n").replace("default = \"as\"\n", "");
    with_basic(&plain);
    sandbox.run(&["secret", "set", "old", "password"]).ok();
    let kept = sandbox.run(&["token", "as"]).ok();
    let sealed = || {
        let files = sandbox.files();
        files
            .into_iter()
            .filter(|(path, _)| path.extension().is_some_and(|e| e == "sealed"))
            .collect::<Vec<_>>()
    };
    let mut before = sealed();
    let mut all_new = || {
        let now = sealed();
        assert_eq!(now.len(), 2);
        assert!(now.iter().zip(&before).all(|(new, old)| new.0 == old.0 && new.1 != old.1));
        before = now;
        assert_eq!(sandbox.run(&["token", "as"]).ok(), kept);
        assert_eq!(sandbox.run(&["token", "old"]).ok().text(), "s3cret");
    };
    sandbox.run(&["store", "rekey"]).ok().says("Encrypted 2 records with a new key");
    all_new();

    with_basic(&config(&server, PASSPHRASE));
    sandbox.run(&["token", "as"]).fails(6).says("stored as `file`").says("run `authctl store rekey`");
    sandbox.input.type_hidden(&["one", "one"]);
    sandbox.run(&["store", "rekey"]).ok();
    all_new();
    // A new passphrase: the old one no longer decrypts anything.
    sandbox.kernel_keyring.kept.lock().clear();
    sandbox.input.type_hidden(&["two", "two", "one"]);
    sandbox.run(&["store", "rekey"]).ok();
    all_new();
    sandbox.kernel_keyring.kept.lock().clear();
    sandbox.input.pipe("one");
    sandbox.run(&["store", "unlock"]).fails(6);
    sandbox.input.pipe("two");
    sandbox.run(&["store", "unlock"]).ok();
    all_new_names(&sandbox);

    with_basic(&by_program(&server, &sandbox, &STANDARD.encode([9; 32])));
    sandbox.run(&["store", "rekey"]).ok();
    all_new();
    with_basic(&plain);
    sandbox.run(&["store", "rekey"]).fails(6).says("no longer names").says("store rekey -- PROGRAM");
    let program = sandbox.path("key-program");
    sandbox.run(&["store", "rekey", "--", program.to_str().unwrap()]).ok();
    all_new();
}

/// Only records, their key and the index are left behind.
fn all_new_names(sandbox: &Sandbox) {
    for (path, _) in sandbox.files() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let known = ["sealed", "lock", "json", "key", "toml"];
        assert!(known.iter().any(|ending| name.ends_with(ending)) || name == "key-program", "{name}");
    }
}

#[test]
fn the_first_form_of_the_key_file_is_still_read() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    std::fs::create_dir_all(sandbox.path("data")).unwrap();
    set_mode(&sandbox.path("data"), 0o700);
    let key = STANDARD.encode([5; 32]);
    sandbox.write("data/store.key", &format!("authctl store key 1\n{key}\n"));
    sandbox.run(&["login"]).ok();
    sandbox.run(&["token"]).ok();
    assert!(std::fs::read_to_string(key_file(&sandbox)).unwrap().contains(&key));
    sandbox.run(&["store", "rekey"]).ok();
    assert!(!std::fs::read_to_string(key_file(&sandbox)).unwrap().contains(&key), "the old key is gone");
    sandbox.run(&["token"]).ok();
}
