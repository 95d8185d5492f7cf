//! The key and passphrase of the shared records.

use super::{KEY, config, machine, printed};
use crate::support::vault::{TOKEN, VaultServer};
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn all_machines_share_one_passphrase() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let machine = || {
        let sandbox = Sandbox::new(&config(&server, &vault, "\"passphrase\"", ""));
        sandbox.environment.set("VAULT_TOKEN", TOKEN);
        sandbox
    };
    let (one, other) = (machine(), machine());
    one.input.type_hidden(&["correct horse", "correct horse"]);
    one.run(&["login"]).ok();
    let token = one.run(&["token"]).ok();
    other.run(&["token"]).fails(6).says("authctl store unlock");
    other.input.pipe("wrong");
    other.run(&["store", "unlock"]).fails(6).says("wrong passphrase");
    other.input.pipe("correct horse");
    other.run(&["store", "unlock"]).ok();
    assert_eq!(other.run(&["token"]).ok(), token);

    // One machine changes it, and the other notices.
    one.input.type_hidden(&["new horse", "new horse"]);
    one.run(&["store", "rekey"]).ok().says("Encrypted 1 record");
    assert_eq!(one.run(&["token"]).ok(), token);
    other.run(&["token"]).fails(6).says("locked");
    other.input.pipe("new horse");
    other.run(&["store", "unlock"]).ok();
    assert_eq!(other.run(&["token"]).ok(), token);
    let status: serde_json::Value =
        serde_json::from_str(&other.run(&["store", "status", "--json"]).ok().stdout).unwrap();
    assert_eq!((&status["store"], &status["key"]), (&"vault".into(), &"passphrase".into()));
}

const NEW_KEY: &str = "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=";

#[test]
fn a_key_changed_on_one_machine_reaches_the_others_f_sto1() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let (one, other) = (machine(&server, &vault), machine(&server, &vault));
    one.run(&["login"]).ok();
    let token = one.run(&["token"]).ok();
    assert_eq!(other.run(&["token"]).ok(), token);

    // The same program with a new key: both can decrypt what the other machine encrypts next, before it decrypts anything.
    one.run(&["store", "rekey"]).ok();
    server.set(|behaviour| behaviour.user = "bob".to_owned());
    other.run(&["login", "--account", "bob"]).ok();
    let bobs = other.run(&["token", "--account", "bob"]).ok();
    assert_eq!(one.run(&["token", "--account", "bob"]).ok(), bobs);

    // Another program: the other machine has a copy of the earlier one.
    let changed = config(&server, &vault, &printed(NEW_KEY), "");
    one.configure(&changed);
    one.run(&["store", "rekey", "--", "echo", KEY]).ok();
    other.configure(&changed);
    assert_eq!(other.run(&["token", "--account", "bob"]).ok(), bobs);
    // The same change on the other machine loses nothing.
    other.run(&["store", "rekey"]).ok();
    for machine in [&one, &other] {
        assert_eq!(machine.run(&["token", "--account", "alice"]).ok(), token);
        assert_eq!(machine.run(&["token", "--account", "bob"]).ok(), bobs);
    }
}

#[test]
fn an_invalid_key_does_not_replace_the_copy_f_sto1() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let (one, other) = (machine(&server, &vault), machine(&server, &vault));
    one.run(&["login"]).ok();
    let token = other.run(&["token"]).ok();
    let good = vault.content("/store.key");
    let open = "authctl store key 2\n{\"source\":\"file\",\"keys\":\"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\"}\n";
    for (planted, says) in [("", "it is not an authctl key"), (open, "it is not encrypted")] {
        vault.replace("/store.key", planted);
        assert_eq!(other.run(&["token"]).ok(), token, "the copy decrypts the existing records");
        one.run(&["token", "--refresh"]).fails(6).says(says);
        vault.replace("/store.key", &good);
    }
    one.run(&["token", "--refresh"]).ok();
}
