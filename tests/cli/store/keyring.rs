//! Keyrings that are locked, silent or broken.

use std::sync::Arc;

use authctl::store::keyring::fault::KeyringFault;
use keyring_core::CredentialStore;

use super::{Failing, auto, entries};
use crate::support::{AuthorizationServer, odd_keyring};

/// F-KR3: authctl tries the keyring instead of guessing from DISPLAY.
#[test]
fn locked_silent_and_broken_keyrings_are_distinguished_f_kr1_f_kr4_f_kr5() {
    let server = AuthorizationServer::start();
    for (name, error, said) in [
        ("locked", (|| KeyringFault::Locked.into()) as fn() -> keyring_core::Error, "the keyring is locked"),
        ("silent", || KeyringFault::TimedOut.into(), "does not answer"),
        ("broken", || KeyringFault::Failed("it broke".to_owned()).into(), "it broke"),
        ("F-KR5 bytes", || keyring_core::Error::BadEncoding(b"canary-bytes".to_vec()), "it is not UTF-8"),
        (
            "F-KR5 format",
            || keyring_core::Error::BadDataFormat(b"canary-bytes".to_vec(), "canary".into()),
            "the keyring cannot decode it",
        ),
        ("F-KR4 ambiguous", || keyring_core::Error::Ambiguous(Vec::new()), "cannot tell which is current"),
        (
            "F-KR4 too long",
            || keyring_core::Error::TooLong("secret".to_owned(), 2560),
            "can hold at most 2560 characters",
        ),
    ] {
        let sandbox = auto(&server);
        let good = sandbox.keyring.present();
        sandbox.run(&["login"]).ok();
        let failing: Arc<CredentialStore> = Arc::new(Failing(error));
        *sandbox.keyring.store.lock() = Some(failing);
        let output = sandbox.run(&["token"]).fails(6);
        assert!(output.stderr.contains(said), "{name}: {output}");
        assert!(
            !output.stderr.contains("canary") && !output.stderr.contains("99, 97, 110"),
            "{name}: {output}"
        );
        *sandbox.keyring.store.lock() = Some(good);
        sandbox.run(&["token"]).ok();
    }
}

#[test]
fn store_status_says_whether_the_keyring_can_be_used() {
    let server = AuthorizationServer::start();
    let sandbox = auto(&server);
    let says = |text: &str, usable: bool| {
        let shown = sandbox.run(&["store", "status"]).ok();
        assert!(shown.stdout.contains(text), "{text}: {shown}");
        let json = sandbox.run(&["store", "status", "--json"]).ok();
        let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(json["keyring"], usable, "{text}");
    };
    says("no keyring is available", false);
    sandbox.keyring.present();
    says("available", true);
    for (fault, said) in [
        (
            (|| KeyringFault::UntrustedBus("the bus belongs to another user".to_owned()).into())
                as fn() -> keyring_core::Error,
            "the bus belongs to another user",
        ),
        (|| KeyringFault::Locked.into(), "the keyring is locked"),
        (|| KeyringFault::Absent("no keyring service runs".to_owned()).into(), "no keyring service runs"),
    ] {
        *sandbox.keyring.store.lock() = Some(Arc::new(Failing(fault)));
        says(said, false);
    }
}

#[test]
fn a_locked_keyring_is_not_reported_as_not_logged_in_f_kr1() {
    let server = AuthorizationServer::start();
    let sandbox = auto(&server);
    let locked: Arc<CredentialStore> = Arc::new(Failing(|| KeyringFault::Locked.into()));
    *sandbox.keyring.store.lock() = Some(locked);
    sandbox.run(&["token"]).fails(6).says("authctl store unlock");
    let absent: Arc<CredentialStore> =
        Arc::new(Failing(|| KeyringFault::Absent("no service".to_owned()).into()));
    *sandbox.keyring.store.lock() = Some(absent);
    sandbox.run(&["token"]).fails(3);
    sandbox.run(&["login"]).ok().says("Stored in an encrypted file");
}

#[test]
fn a_write_that_the_keyring_dropped_is_an_error_f_kr4() {
    let server = AuthorizationServer::start();
    let sandbox = auto(&server);
    let keyring = sandbox.keyring.present();
    sandbox.run(&["login"]).ok();
    let entry = &entries(&keyring)[0];
    let stored = entry.get_secret().unwrap();
    entry.set_secret(b"not a record").unwrap();
    sandbox.run(&["token"]).fails(6).says("which was left unchanged: it is damaged");
    assert_eq!(entry.get_secret().unwrap(), b"not a record", "F-STO1: kept for repair");
    entry.set_secret(&stored).unwrap();
    sandbox.run(&["token"]).ok();

    *sandbox.keyring.store.lock() = Some(odd_keyring::that_loses_a_byte(&keyring));
    sandbox.run(&["token", "--refresh"]).fails(6).says("in an encrypted file until");
    // The rescued record stays for now: the next refresh starts with it, under the lock that it holds.
    let before = authctl::ports::Clock::elapsed(&*sandbox.clock);
    sandbox.run(&["token", "--refresh"]).fails(6).says("in an encrypted file until");
    let waited = authctl::ports::Clock::elapsed(&*sandbox.clock) - before;
    assert!(waited < std::time::Duration::from_secs(30), "no process waits for itself: {waited:?}");
    assert_eq!(server.token_requests("refresh_token"), 2);
    *sandbox.keyring.store.lock() = Some(keyring);
    sandbox.run(&["token"]).ok().says("that could not be saved last time are now in the keyring");
    assert!(!server.any_family_revoked());
}
