//! One record per login, and its generations.

use std::sync::Arc;

use super::{auto, entries, sealed_record};
use crate::support::sandbox::{server_config, set_mode};
use crate::support::{AuthorizationServer, Sandbox, odd_keyring};

#[test]
fn a_rescued_record_is_removed_with_its_login_f_rot5_f_rot8() {
    let server = AuthorizationServer::start();
    let sandbox = auto(&server);
    let keyring = sandbox.keyring.present();
    let rescued = || {
        let is_rescued = |path: &std::path::Path| path.extension().is_some_and(|ending| ending == "rescued");
        sandbox.files().iter().filter(|(path, _)| is_rescued(path)).count()
    };
    let lose = || {
        *sandbox.keyring.store.lock() = Some(odd_keyring::that_loses_a_byte(&keyring));
        sandbox.run(&["token", "--refresh"]).fails(6).says("in an encrypted file until");
        assert_eq!(rescued(), 1);
        *sandbox.keyring.store.lock() = Some(Arc::clone(&keyring));
    };
    // A logout revokes the rescued session, not the earlier one.
    sandbox.run(&["login"]).ok();
    lose();
    sandbox.run(&["logout"]).ok();
    assert_eq!(rescued(), 0);
    for token in server.secrets().iter().filter(|secret| secret.starts_with("refresh")) {
        assert!(!server.accepts(token), "{token} lives");
    }
    // It does not overwrite a later login either, whether or not the account is the same.
    sandbox.run(&["login"]).ok();
    lose();
    sandbox.clock.advance(1);
    server.set(|behaviour| behaviour.user = "bob".to_owned());
    sandbox.run(&["login", "--account", "bob"]).ok();
    server.set(|behaviour| behaviour.user = "alice".to_owned());
    sandbox.run(&["login"]).ok();
    let token = sandbox.run(&["token"]).ok();
    assert_eq!(rescued(), 0);
    assert_ne!(sandbox.run(&["token", "--refresh"]).ok(), token);
    // A rename includes it.
    lose();
    sandbox.run(&["account", "rename", "alice", "work"]).ok();
    assert_eq!(rescued(), 0);
    assert!(server.accepts(sandbox.run(&["token", "--account", "work", "--refresh"]).ok().text()));
}

#[test]
fn a_lost_index_is_rebuilt() {
    let server = AuthorizationServer::start();
    for keyring in [false, true] {
        let sandbox = auto(&server);
        if keyring {
            sandbox.keyring.present();
        }
        sandbox.run(&["login"]).ok();
        let token = sandbox.run(&["token"]).ok();
        std::fs::remove_dir_all(sandbox.path("state/index")).unwrap();
        assert_eq!(sandbox.run(&["token"]).ok(), token);
        assert!(sandbox.run(&["status"]).ok().stdout.contains("alice"));
    }
}

#[test]
fn a_login_never_leaves_a_second_copy() {
    let server = AuthorizationServer::start();
    // If a keyring appears later, the record stays where it is.
    let sandbox = auto(&server);
    sandbox.run(&["login"]).ok();
    let keyring = sandbox.keyring.present();
    sandbox.run(&["login"]).ok().says("Stored in an encrypted file");
    assert!(entries(&keyring).is_empty());
    // A newly configured store takes over the record, and the copy is deleted.
    sandbox.configure(&server_config(&server.domain(), "").replace("\"file\"", "\"keyring\""));
    sandbox.run(&["login"]).ok().says("Stored in the keyring");
    assert_eq!(entries(&keyring).len(), 1);
    assert!(
        !sandbox.files().iter().any(|(path, _)| path.extension().is_some_and(|ending| ending == "sealed"))
    );
    sandbox.run(&["logout"]).ok();
    sandbox.run(&["token"]).fails(3);
    sandbox.configure(&server_config(&server.domain(), "").replace("\"file\"", "\"auto\""));
    sandbox.run(&["token"]).fails(3);
}

#[test]
fn after_the_endpoint_moved_a_new_login_is_used() {
    let (server, moved) = (AuthorizationServer::start(), AuthorizationServer::start());
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    let endpoints = format!(
        "authorization_endpoint = \"{0}/authorize\"\ntoken_endpoint = \"{0}/token\"\nuse_openid = false",
        moved.issuer()
    );
    sandbox.configure(&server_config(&server.domain(), &endpoints).replace("\"openid\", ", ""));
    sandbox.run(&["token"]).fails(3).says("belongs to another server or client");
    sandbox.run(&["login", "--account", "alice"]).ok();
    assert_eq!(moved.token_requests("authorization_code"), 1);
    sandbox.run(&["token", "--refresh"]).ok();
    assert_eq!((moved.token_requests("refresh_token"), server.token_requests("refresh_token")), (1, 0));
    let status: serde_json::Value =
        serde_json::from_str(&sandbox.run(&["status", "--json"]).ok().stdout).unwrap();
    assert_eq!(
        status["providers"][0]["accounts"].as_array().unwrap().len(),
        2,
        "the other server's login is kept apart"
    );
}

#[test]
fn large_records_are_encrypted_beside_the_keyring_entry_f_kr4() {
    let server = AuthorizationServer::start();
    let sandbox = auto(&server);
    let inner = sandbox.keyring.present();
    *sandbox.keyring.store.lock() = Some(odd_keyring::like_windows(&inner));
    let overflow = || {
        let files = sandbox.files();
        files.into_iter().filter(|(path, _)| path.iter().any(|part| part == "overflow")).collect::<Vec<_>>()
    };
    // A long ID token makes every record of this login too long.
    server.set(|behaviour| drop(behaviour.claims.insert("padding".to_owned(), "x".repeat(16 << 10).into())));
    sandbox.run(&["login"]).ok().says("Stored in the keyring");
    let first = sandbox.run(&["token"]).ok();
    assert_eq!(overflow().len(), 1);
    for number in 0..10 {
        sandbox.run(&["token", "--audience", &number.to_string()]).ok();
    }
    assert_eq!(sandbox.run(&["token"]).ok(), first, "ten more tokens beside it");
    assert_eq!(overflow().len(), 1, "the old files are gone");
    assert!(entries(&inner).iter().all(|entry| entry.get_secret().unwrap().len() <= 2560));
    let sealed = &overflow()[0];
    assert!(!String::from_utf8_lossy(&sealed.1).contains("canary"), "sealed");

    // The index is lost: the file that the entry refers to is found nevertheless.
    std::fs::remove_dir_all(sandbox.path("state/index")).unwrap();
    assert_eq!(sandbox.run(&["token"]).ok(), first);
    // The file is gone: authctl reports that, and deletes nothing.
    let (path, bytes) = overflow().remove(0);
    std::fs::remove_file(&path).unwrap();
    sandbox.run(&["token"]).fails(6).says("the file does not exist");
    std::fs::write(&path, [&bytes[..bytes.len() - 1], b"x"].concat()).unwrap();
    crate::support::sandbox::set_mode(&path, 0o600);
    sandbox.run(&["token"]).fails(6).says("it was modified");
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(sandbox.run(&["token"]).ok(), first);
    sandbox.run(&["logout"]).ok();
    assert!(overflow().is_empty() && entries(&inner).is_empty());
}

/// A store that was changed and changed back, or a move that was interrupted, may leave an older copy.
#[test]
fn the_newer_of_two_stored_records_is_used() {
    let server = AuthorizationServer::start();
    let sandbox = auto(&server);
    sandbox.run(&["login"]).ok().says("Stored in an encrypted file");
    let (path, older) = sealed_record(&sandbox);
    let keyring = sandbox.keyring.present();
    sandbox.run(&["store", "move", "keyring"]).ok();
    let newer = sandbox.run(&["token", "--refresh"]).ok();
    std::fs::write(&path, &older).unwrap();
    set_mode(&path, 0o600);
    assert_eq!(sandbox.run(&["token"]).ok(), newer, "the list says which");
    std::fs::remove_dir_all(sandbox.path("state/index")).unwrap();
    assert_eq!(sandbox.run(&["token"]).ok(), newer, "and without it the count decides");
    sandbox.run(&["token", "--refresh"]).ok();
    assert!(!server.any_family_revoked());
    sandbox.run(&["logout"]).ok();
    assert!(entries(&keyring).is_empty() && !path.exists(), "both copies are gone");
}

#[test]
fn a_restored_older_record_is_reported_f_sto5() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    let (path, older) = sealed_record(&sandbox);
    sandbox.run(&["token", "--refresh"]).ok();
    std::fs::write(&path, &older).unwrap();
    sandbox.clock.advance(4000);
    sandbox
        .run(&["token"])
        .fails(3)
        .says("older than the last one that authctl saved")
        .says("authctl login as");
    assert_eq!(std::fs::read(&path).unwrap(), older, "it is kept");
    sandbox.clock.advance(-4000);
    sandbox.run(&["login"]).ok();
    sandbox.run(&["token", "--refresh"]).ok();
}
