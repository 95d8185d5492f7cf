//! Logins that several machines share.

use super::{KEY, machine};
use crate::support::AuthorizationServer;
use crate::support::vault::VaultServer;

#[test]
fn one_login_serves_every_machine() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let (one, other) = (machine(&server, &vault), machine(&server, &vault));
    one.run(&["login"]).ok().says("Stored in Vault");
    let token = one.run(&["token"]).ok().stdout;
    assert_eq!(other.run(&["token"]).ok().stdout, token);
    assert_eq!(server.token_requests("authorization_code"), 1);
    for secret in server.secrets().iter().map(String::as_str).chain([KEY]) {
        assert!(!vault.everything().contains(secret), "everything is encrypted before it leaves");
    }
    assert!(other.stores_no_record(), "only the list is stored here");

    other.clock.advance(4000);
    let renewed = other.run(&["token"]).ok().stdout;
    assert_ne!(renewed, token);
    one.clock.advance(4000);
    assert_eq!(one.run(&["token"]).ok().stdout, renewed);
    assert_eq!(server.token_requests("refresh_token"), 1);

    one.run(&["logout"]).ok();
    other.run(&["token"]).fails(3).says("not logged in");
    assert!(!vault.names().iter().any(|name| name.contains("/records/")), "{:?}", vault.names());
    other.clock.advance(-4000);
    one.clock.advance(-4000);
    other.run(&["login"]).ok();
    one.run(&["token"]).ok();
}

#[test]
fn another_user_on_another_machine_cannot_take_an_account() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let (one, other) = (machine(&server, &vault), machine(&server, &vault));
    one.run(&["login", "--account", "work"]).ok();
    let alices = one.run(&["token", "--account", "work"]).ok();
    server.set(|behaviour| behaviour.user = "bob".to_owned());
    other
        .run(&["login", "--account", "work"])
        .fails(1)
        .says("belongs to `alice`, and you logged in as `bob`");
    other.run(&["login"]).ok();
    // A name that only the other machine lists is still reserved.
    other.run(&["account", "rename", "bob", "work"]).fails(1).says("already has an account `work`");
    assert_eq!(one.run(&["token", "--account", "work"]).ok(), alices);
    assert_eq!(other.run(&["token", "--account", "work"]).ok(), alices);
    let bobs = other.run(&["token", "--account", "bob"]).ok();
    assert_ne!(bobs, alices);
    other.run(&["account", "rename", "bob", "home"]).ok();
    assert_eq!(one.run(&["token", "--account", "home"]).ok(), bobs);
}
