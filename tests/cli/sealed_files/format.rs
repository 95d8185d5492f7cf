//! The file format, and moves between stores.

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

#[test]
fn everything_moves_to_the_other_store_and_back() {
    let server = AuthorizationServer::start();
    let auto = server_config(&server.domain(), "").replace("store = \"file\"", "store = \"auto\"")
        + "[credentials.old]\ndomain = \"old.example\"\nbasic = { username = \"me\", password = { stored = true } }\n";
    let sandbox = Sandbox::new(&auto);
    let keyring = sandbox.keyring.present();
    sandbox.run(&["login", "as"]).ok().says("Stored in the keyring");
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
        output.says("as (alice)").says("as (bob)").says("Moved 2 accounts and 1 secret to an encrypted file");
    assert!(!output.stderr.contains("hint"), "{output}");
    assert_eq!((in_keyring(), sealed()), (0, 3));
    assert_eq!(tokens(), before);
    assert_eq!(sandbox.run(&["token", "old"]).ok().text(), "s3cret");
    let status: serde_json::Value =
        serde_json::from_str(&sandbox.run(&["store", "status", "--json"]).ok().stdout).unwrap();
    assert_eq!(status["accounts"], serde_json::json!({ "keyring": 0, "file": 2 }));
    assert_eq!(status["key"], "file");
    assert!(sandbox.run(&["store", "status"]).ok().stdout.contains("2 in an encrypted file"));
    sandbox.run(&["store", "move", "file"]).ok().says("Moved 0 accounts and 0 secrets");

    // If the keyring does not store exactly what it was given, authctl deletes nothing.
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

/// Another program, in another language, generated the test vector.
#[test]
fn the_documented_vector_opens() {
    let document = include_str!("../../../docs/store-format.md");
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
