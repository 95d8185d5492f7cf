//! Moves to the shared store and back.

use super::{KEY, config, machine, printed};
use crate::support::sandbox::server_config;
use crate::support::vault::{TOKEN, VaultServer};
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn a_move_does_not_overwrite_existing_records() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let shared = config(&server, &vault, &printed(KEY), "");
    machine(&server, &vault).run(&["login"]).ok();
    let names = vault.names();
    // From the keyring, whose locks are stored beside a shared store's.
    let sandbox = Sandbox::new(&server_config(&server.domain(), "").replace("\"file\"", "\"keyring\""));
    sandbox.environment.set("VAULT_TOKEN", TOKEN);
    sandbox.keyring.present();
    sandbox.run(&["login"]).ok().says("Stored in the keyring");
    let mine = sandbox.run(&["token"]).ok();
    sandbox.configure(&shared);
    sandbox.run(&["store", "move", "vault"]).fails(6).says("it was not overwritten").says("logout --local");
    assert_eq!(vault.names(), names);
    sandbox.configure(&server_config(&server.domain(), "").replace("\"file\"", "\"keyring\""));
    assert_eq!(sandbox.run(&["token"]).ok(), mine, "it still exists");
    let other = machine(&server, &vault);
    other.run(&["token"]).ok();
    other.run(&["logout"]).ok();
    sandbox.configure(&shared);
    sandbox.run(&["store", "move", "vault"]).ok().says("Moved 1 account");
    assert_eq!(sandbox.run(&["token"]).ok(), mine);
}

#[test]
fn everything_moves_there_and_back() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let shared = config(&server, &vault, &printed(KEY), "");
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.environment.set("VAULT_TOKEN", TOKEN);
    sandbox.run(&["login"]).ok();
    let token = sandbox.run(&["token"]).ok();
    sandbox.run(&["store", "move", "vault"]).fails(6).says("Vault is not configured");
    std::fs::remove_file(sandbox.path("data/store.key")).unwrap();
    sandbox.configure(&shared);
    sandbox.run(&["store", "move", "vault"]).fails(6).says("key");
    let sandbox = Sandbox::new(
        &shared
            .replace("kind = \"vault\", ", "kind = \"file\", ")
            .replace(&format!("address = \"{}\", ", vault.url()), ""),
    );
    sandbox.environment.set("VAULT_TOKEN", TOKEN);
    sandbox.run(&["login"]).ok();
    let mine = sandbox.run(&["token"]).ok();
    assert_ne!(mine, token);
    sandbox.configure(&shared);
    sandbox.run(&["token"]).fails(6).says("authctl store move vault");
    sandbox.run(&["store", "move", "vault"]).ok().says("Moved 1 account");
    assert!(sandbox.stores_no_record());
    assert_eq!(sandbox.run(&["token"]).ok(), mine);
    let other = machine(&server, &vault);
    assert_eq!(other.run(&["token"]).ok(), mine);
    // Another machine, which never listed it, moves it back.
    let third = machine(&server, &vault);
    third.run(&["store", "move", "file"]).ok().says("as (alice)").says("Moved 1 account");
    assert!(!vault.names().iter().any(|name| name.contains("/records/")));
}
