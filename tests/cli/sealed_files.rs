//! Sealed files and their key: `[store] key`, `authctl store status|move|rekey|unlock` (F-STO6).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use authctl::secret::SecretText;
use authctl::store::record::RecordName;
use authctl::store::sealed::cipher;
use authctl::store::sealed::key_file::KeyFile;
use authctl::store::sealed::key_source::KeySource;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::sandbox::{server_config, set_mode};
use crate::support::{AuthorizationServer, Sandbox, odd_keyring};

const PASSPHRASE: &str = "kind = \"file\", key = \"passphrase\", unlock_for = \"1h\"";

fn config(server: &AuthorizationServer, store: &str) -> String {
    server_config(&server.domain(), "").replace("store = \"file\"", &format!("store = {{ {store} }}"))
}

/// A configuration whose key a program prints, and the program.
fn by_program(server: &AuthorizationServer, sandbox: &Sandbox, prints: &str) -> String {
    let program = sandbox.write("key-program", &format!("#!/bin/sh\necho '{prints}'\n"));
    set_mode(&program, 0o700);
    config(server, &format!("kind = \"file\", key = {{ command = [\"{}\"] }}", program.display()))
}

fn key_file(sandbox: &Sandbox) -> PathBuf {
    sandbox.path("data/store.key")
}

#[test]
fn a_passphrase_is_chosen_at_login_and_cached_f_sto6() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::new(&config(&server, PASSPHRASE));
    sandbox.input.type_hidden(&["correct horse", "wrong horse"]);
    sandbox.run(&["login"]).fails(1).says("the two passphrases are not the same");
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
    sandbox.run(&["store", "unlock"]).fails(6).says("that is not the passphrase");
    sandbox.run(&["token"]).fails(6).says("locked");
    sandbox.input.pipe("correct horse\n");
    sandbox.run(&["store", "unlock"]).ok().says("The sealed records are unlocked.");
    sandbox.clock.advance(-3601);
    assert_eq!(sandbox.run(&["token"]).ok(), kept);
    assert_eq!(server.requests_to("/token").len(), 1, "a locked store asks nobody");

    // A login where it is locked asks again, before the browser.
    sandbox.kernel_keyring.kept.lock().clear();
    sandbox.input.type_hidden(&["no horse"]);
    sandbox.run(&["login"]).fails(6).says("that is not the passphrase");
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
        ("\"memory_kib\":65536", "\"memory_kib\":67108864", "it asks for more memory or time"),
        ("\"passes\":3", "\"passes\":4000000", "it asks for more memory or time"),
        ("\"lanes\":4", "\"lanes\":0", "its parameters are wrong"),
        ("\"salt\":\"", "\"salt\":\"!", "it has no parameters"),
        ("\"keys\":\"", "\"keys\":\"!", "it is no key of authctl"),
        ("authctl store key 2", "authctl store key 3", "it is no key of this authctl"),
        ("\"passes\":3", "\"passes\":2", "that is not the passphrase"),
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
        (STANDARD.encode([8; 32]), "the key that the program printed is not that of the sealed files"),
        (STANDARD.encode([7; 31]), "the program did not print a key"),
        ("nonsense".to_owned(), "the program did not print a key"),
    ] {
        by_program(&server, &sandbox, &prints);
        sandbox.run(&["token"]).fails(6).says(answer).says("`key` of [store]");
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

/// A record that cannot be opened ends each change of the key before the old ones go: however often that is tried, no key
/// goes that a record needs, and it can be finished in the end.
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
        sandbox.run(&["store", "rekey"]).fails(6).says("another record in this one's place");
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
    sandbox.run(&["store", "rekey"]).ok().says("Sealed 2 records with a new key");
    all_new();

    with_basic(&config(&server, PASSPHRASE));
    sandbox.run(&["token", "as"]).fails(6).says("kept as `file`").says("run `authctl store rekey`");
    sandbox.input.type_hidden(&["one", "one"]);
    sandbox.run(&["store", "rekey"]).ok();
    all_new();
    // A new passphrase: the old one opens nothing any more.
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

/// Nothing but records, their key and the index is left behind.
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

#[test]
fn everything_moves_to_the_other_store_and_back() {
    let server = AuthorizationServer::start();
    let auto = server_config(&server.domain(), "").replace("store = \"file\"", "store = \"auto\"")
        + "[credentials.old]\ndomain = \"old.example\"\nbasic = { username = \"me\", password = { stored = true } }\n";
    let sandbox = Sandbox::new(&auto);
    let keyring = sandbox.keyring.present();
    sandbox.run(&["login", "as"]).ok().says("Kept in the keyring.");
    server.set(|behaviour| behaviour.user = "bob".to_owned());
    sandbox.run(&["login", "as"]).ok();
    sandbox.input.pipe("s3cret");
    sandbox.run(&["secret", "set", "old", "password"]).ok();
    let tokens =
        || ["alice", "bob"].map(|account| sandbox.run(&["token", "as", "--account", account]).ok().stdout);
    let before = tokens();
    let in_keyring = || {
        let found = keyring.search(&std::collections::HashMap::from([("service", "authctl")])).unwrap();
        found.iter().filter(|entry| entry.get_secret().is_ok()).count()
    };
    let sealed = || {
        let files = sandbox.files();
        files.iter().filter(|(path, _)| path.extension().is_some_and(|ending| ending == "sealed")).count()
    };
    assert_eq!((in_keyring(), sealed()), (3, 0));
    let output = sandbox.run(&["store", "move", "file"]).ok();
    let output =
        output.says("as (alice)").says("as (bob)").says("Moved 2 accounts and 1 secret to a sealed file");
    assert!(!output.stderr.contains("hint"), "{output}");
    assert_eq!((in_keyring(), sealed()), (0, 3));
    assert_eq!(tokens(), before);
    assert_eq!(sandbox.run(&["token", "old"]).ok().text(), "s3cret");
    let status: serde_json::Value =
        serde_json::from_str(&sandbox.run(&["store", "status", "--json"]).ok().stdout).unwrap();
    assert_eq!(status["accounts"], serde_json::json!({ "keyring": 0, "file": 2 }));
    assert_eq!(status["key"], "file");
    assert!(sandbox.run(&["store", "status"]).ok().stdout.contains("2 in a sealed file"));
    sandbox.run(&["store", "move", "file"]).ok().says("Moved 0 accounts and 0 secrets");

    // Where the keyring keeps something else than it was given, nothing is deleted here.
    *sandbox.keyring.store.lock() = Some(odd_keyring::that_loses_a_byte(&keyring));
    sandbox.run(&["store", "move", "keyring"]).fails(6);
    assert_eq!(sealed(), 3);
    assert_eq!(tokens(), before);
    *sandbox.keyring.store.lock() = Some(Arc::clone(&keyring));
    sandbox.run(&["store", "move", "keyring"]).ok();
    assert_eq!((in_keyring(), sealed()), (3, 0));
    assert_eq!(tokens(), before);
    sandbox.configure(&auto.replace("\"auto\"", "\"file\""));
    sandbox.run(&["token", "as"]).fails(6).says("stored in the keyring").says("authctl store move file");
    sandbox.run(&["store", "move", "keyring"]).ok().says("hint: set store = \"keyring\"");
}

/// The vector was made by another program, in another language.
#[test]
fn the_documented_vector_opens() {
    let document = include_str!("../../docs/store-format.md");
    let block = |name: &str| {
        let (_, rest) = document.split_once(&format!("```{name}\n")).unwrap();
        rest.split_once("```").unwrap().0
    };
    let sealed = STANDARD.decode(block("record").trim()).unwrap();
    let binding = authctl::binding::Binding::default().with("issuer", "https://as.example");
    assert_eq!(cipher::claimed_binding(&sealed).unwrap(), binding);
    let name = RecordName::of_secret(&"github".parse().unwrap(), "client_secret", &binding);
    let sandbox = Sandbox::new("");
    let path = sandbox.write("data/store.key", block("key"));
    set_mode(&sandbox.path("data"), 0o700);
    let file = KeyFile::new(&sandbox.system, path, KeySource::Passphrase, Duration::from_secs(60));
    assert!(file.unlock(&SecretText::new("Passphrase")).is_err());
    file.unlock(&SecretText::new("passphrase")).unwrap();
    let key = file.keys().unwrap().unwrap().current();
    assert_eq!(*key, std::array::from_fn::<u8, 32, _>(|byte| u8::try_from(byte).unwrap()));
    let text = cipher::open(&key, &name, &binding, &sealed).unwrap();
    assert_eq!(*text, b"correct horse battery staple");
}

#[test]
fn without_a_keyring_there_is_only_a_passphrase_to_unlock() {
    let provider = "[credentials.x]\ndomain = \"x.example\"\njwt = \"x\"\n";
    let sandbox = Sandbox::new(provider);
    sandbox.run(&["store", "unlock"]).ok().says("Nothing is locked");
    sandbox.configure(&format!("store = {{ key = \"passphrase\" }}\n{provider}"));
    sandbox.input.type_hidden(&["one", "one"]);
    let unlocked = sandbox.run(&["store", "unlock"]).ok().says("The sealed records are unlocked.");
    assert!(!unlocked.stderr.contains("keyring"), "{unlocked}");
    sandbox.configure(&format!("store = \"keyring\"\n{provider}"));
    sandbox.run(&["store", "unlock"]).fails(6).says("there is no keyring");
}
