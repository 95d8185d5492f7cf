//! Which store `auto` selects.

use std::sync::Arc;

use authctl::store::keyring::fault::KeyringFault;
use keyring_core::CredentialStore;

use super::{Failing, auto, entries};
use crate::support::sandbox::{server_config, set_mode};
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn auto_selects_an_available_keyring() {
    let server = AuthorizationServer::start();
    let sandbox = auto(&server);
    let keyring = sandbox.keyring.present();
    sandbox.run(&["login"]).ok().says("Stored in the keyring");
    assert!(!sandbox.path("state/records").exists(), "no file");
    let found = entries(&keyring);
    assert_eq!(found.len(), 1);
    assert!(found[0].get_specifiers().unwrap().1.starts_with("as+alice+"));
    sandbox.run(&["token"]).ok();
    let opened = sandbox.keyring.opened.get();
    sandbox.run(&["status"]).ok();
    sandbox.run(&["config", "show"]).ok();
    assert_eq!(sandbox.keyring.opened.get(), opened, "F-KR1: commands that need no secret touch no keyring");
    sandbox.run(&["logout"]).ok();
    assert!(found[0].get_secret().is_err());
}

#[test]
fn auto_falls_back_to_encrypted_files_and_says_so_once_f_kr2() {
    let server = AuthorizationServer::start();
    let sandbox = auto(&server);
    sandbox.run(&["login"]).ok().says("no keyring is available.").says("Stored in an encrypted file");
    let output = sandbox.run(&["token"]).ok();
    assert_eq!(output.stderr, "");
    // A keyring that appears later does not change the store.
    sandbox.keyring.present();
    assert_eq!(sandbox.run(&["token"]).ok(), output);
}

#[test]
fn a_missing_keyring_is_an_error_and_makes_no_second_copy_f_kr2() {
    let server = AuthorizationServer::start();
    let sandbox = auto(&server);
    sandbox.keyring.present();
    sandbox.run(&["login"]).ok();
    *sandbox.keyring.store.lock() = None;
    sandbox.run(&["token"]).fails(6).says("no keyring is available");
    sandbox.run(&["login"]).fails(6).says("no keyring is available");
    let absent: Arc<CredentialStore> =
        Arc::new(Failing(|| KeyringFault::Absent("no service".to_owned()).into()));
    *sandbox.keyring.store.lock() = Some(absent);
    sandbox.run(&["token"]).fails(6).says("no service");
    sandbox.run(&["login", "--account", "alice"]).fails(6).says("no keyring service runs");
    *sandbox.keyring.store.lock() = None;
    assert!(!sandbox.path("state/records").exists());
    sandbox.configure(&server_config(&server.domain(), ""));
    sandbox
        .run(&["token"])
        .fails(6)
        .says("stored in the keyring, but the configuration says store = \"file\"");
}

#[test]
fn an_unusable_store_is_reported_before_the_browser_opens() {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    std::fs::create_dir_all(sandbox.path("state/records")).unwrap();
    set_mode(&sandbox.path("state/records"), 0o777);
    sandbox.system.browser = Arc::new(crate::support::browsers::Never);
    sandbox.run(&["login"]).fails(6).says("which gives others access");
    assert!(server.requests().is_empty());
}
