//! The key of the encrypted files and its sources.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{PASSPHRASE, by_program, config, key_file};
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn a_passphrase_is_chosen_at_login_and_cached_f_sto6() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::new(&config(&server, PASSPHRASE));
    sandbox.input.type_hidden(&["correct horse", "wrong horse"]);
    sandbox.run(&["login"]).fails(1).says("the two passphrases differ");
    sandbox.input.type_hidden(&["correct horse", "correct horse"]);
    sandbox.run(&["login"]).ok();
    let kept = sandbox.run(&["token"]).ok();
    let (key, _) = sandbox.kernel_keyring.kept.lock().values().next().unwrap().clone();
    let encoded = STANDARD.encode(&key);
    for (path, bytes) in sandbox.files() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&encoded) && !text.contains("correct horse"), "{}", path.display());
    }

    sandbox.clock.advance(3601);
    sandbox.run(&["token"]).fails(6).says("locked with a passphrase").says("run `authctl store unlock`");
    sandbox.run(&["status"]).ok();
    sandbox.input.pipe("incorrect horse\n");
    sandbox.run(&["store", "unlock"]).fails(6).says("wrong passphrase");
    sandbox.run(&["token"]).fails(6).says("locked");
    sandbox.input.pipe("correct horse\n");
    sandbox.run(&["store", "unlock"]).ok().says("The encrypted files are unlocked");
    sandbox.clock.advance(-3601);
    assert_eq!(sandbox.run(&["token"]).ok(), kept);
    assert_eq!(server.requests_to("/token").len(), 1, "a locked store does not prompt");

    // A login with a locked store asks again, before the browser opens.
    sandbox.kernel_keyring.kept.lock().clear();
    sandbox.input.type_hidden(&["no horse"]);
    sandbox.run(&["login"]).fails(6).says("wrong passphrase");
    assert_eq!(server.requests_to("/authorize").len(), 1);
    sandbox.input.pipe("");
    sandbox.run(&["store", "unlock"]).fails(1).says("the passphrase is empty");
}

#[test]
fn a_hostile_key_file_cannot_exhaust_the_machine_f_sto6() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::new(&config(&server, PASSPHRASE));
    sandbox.input.type_hidden(&["correct horse", "correct horse"]);
    sandbox.run(&["login"]).ok();
    sandbox.kernel_keyring.kept.lock().clear();
    let good = std::fs::read_to_string(key_file(&sandbox)).unwrap();
    for (from, to, answer) in [
        ("\"memory_kib\":65536", "\"memory_kib\":67108864", "it requires too much memory or time"),
        ("\"passes\":3", "\"passes\":4000000", "it requires too much memory or time"),
        ("\"lanes\":4", "\"lanes\":0", "its parameters are wrong"),
        ("\"salt\":\"", "\"salt\":\"!", "it has no parameters"),
        ("\"keys\":\"", "\"keys\":\"!", "it is not an authctl key"),
        ("authctl store key 2", "authctl store key 3", "it is not a key of this authctl version"),
        ("\"passes\":3", "\"passes\":2", "wrong passphrase"),
    ] {
        assert!(good.contains(from), "{good}");
        std::fs::write(key_file(&sandbox), good.replace(from, to)).unwrap();
        sandbox.input.pipe("correct horse");
        sandbox.run(&["store", "unlock"]).fails(6).says(answer);
    }
    std::fs::write(key_file(&sandbox), good).unwrap();
    sandbox.input.pipe("correct horse");
    sandbox.run(&["store", "unlock"]).ok();
    sandbox.run(&["token"]).ok();
}

#[test]
fn a_program_prints_the_key() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::new("");
    let right = STANDARD.encode([7; 32]);
    sandbox.configure(&by_program(&server, &sandbox, &right));
    sandbox.run(&["login"]).ok();
    let kept = sandbox.run(&["token"]).ok();
    for (path, bytes) in sandbox.files() {
        let is_program = path.ends_with("key-program");
        assert!(is_program || !String::from_utf8_lossy(&bytes).contains(&right), "{}", path.display());
    }
    for (prints, answer) in [
        (STANDARD.encode([8; 32]), "the key that the program printed does not open the encrypted files"),
        (STANDARD.encode([7; 31]), "the program did not print a key"),
        ("nonsense".to_owned(), "the program did not print a key"),
    ] {
        by_program(&server, &sandbox, &prints);
        sandbox.run(&["token"]).fails(6).says(answer).says("`key` in [store]");
    }
    sandbox.write("key-program", "#!/bin/sh\nexit 3\n");
    sandbox.run(&["token"]).fails(6).says("the program that prints the store's key failed");
    by_program(&server, &sandbox, &right);
    assert_eq!(sandbox.run(&["token"]).ok(), kept);
    sandbox.run(&["config", "show"]).ok();
}

#[test]
fn a_project_cannot_name_the_key_program_f_bind2() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.write(
        "work/.authctl.toml",
        "store = { kind = \"file\", key = { command = [\"touch\", \"pwned\"] } }\n",
    );
    sandbox.run(&["token"]).fails(4).says("store");
    assert!(!sandbox.path("work/pwned").exists());
}

#[test]
fn without_a_keyring_only_a_passphrase_can_be_unlocked() {
    let provider = "[credentials.x]\ndomain = \"x.example\"\njwt = \"x\"\n";
    let sandbox = Sandbox::new(provider);
    sandbox.run(&["store", "unlock"]).ok().says("Nothing is locked");
    sandbox.configure(&format!("store = {{ key = \"passphrase\" }}\n{provider}"));
    sandbox.input.type_hidden(&["one", "one"]);
    let unlocked = sandbox.run(&["store", "unlock"]).ok().says("The encrypted files are unlocked");
    assert!(!unlocked.stderr.contains("keyring"), "{unlocked}");
    sandbox.configure(&format!("store = \"keyring\"\n{provider}"));
    sandbox.run(&["store", "unlock"]).fails(6).says("no keyring is available");
}
