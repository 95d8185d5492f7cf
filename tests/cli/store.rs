//! Where tokens are stored: the keyring, encrypted files, and what happens when either is unavailable or damaged.

use std::collections::HashMap;
use std::sync::Arc;

use authctl::store::keyring::fault::KeyringFault;
use keyring_core::CredentialStore;
use keyring_core::api::CredentialStoreApi;

use crate::support::sandbox::{server_config, set_mode};
use crate::support::{AuthorizationServer, Sandbox, odd_keyring};

/// The entries that hold something: the mock makes one for every name that is asked for.
fn entries(keyring: &Arc<CredentialStore>) -> Vec<keyring_core::Entry> {
    let found = keyring.search(&HashMap::from([("service", "authctl")])).unwrap();
    found.into_iter().filter(|entry| entry.get_secret().is_ok()).collect()
}

fn auto(server: &AuthorizationServer) -> Sandbox {
    Sandbox::new(&server_config(&server.domain(), "").replace("store = \"file\"", "store = \"auto\""))
}

#[test]
fn auto_takes_the_keyring_where_there_is_one() {
    let server = AuthorizationServer::start();
    let sandbox = auto(&server);
    let keyring = sandbox.keyring.present();
    sandbox.run(&["login"]).ok().says("Kept in the keyring.");
    assert!(!sandbox.path("state/records").exists(), "no file");
    let found = entries(&keyring);
    assert_eq!(found.len(), 1);
    assert!(found[0].get_specifiers().unwrap().1.starts_with("as+alice+"));
    sandbox.run(&["token"]).ok();
    let opened = sandbox.keyring.opened.get();
    sandbox.run(&["status"]).ok();
    sandbox.run(&["config", "show"]).ok();
    assert_eq!(sandbox.keyring.opened.get(), opened, "F-KR1: what needs no secret touches no keyring");
    sandbox.run(&["logout"]).ok();
    assert!(found[0].get_secret().is_err());
}

#[test]
fn auto_falls_back_to_encrypted_files_and_says_so_once_f_kr2() {
    let server = AuthorizationServer::start();
    let sandbox = auto(&server);
    sandbox.run(&["login"]).ok().says("There is no keyring here.").says("Kept in a sealed file");
    let output = sandbox.run(&["token"]).ok();
    assert_eq!(output.stderr, "");
    // A keyring that appears later is no switch.
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
    sandbox.run(&["token"]).fails(6).says("there is no keyring");
    sandbox.run(&["login"]).fails(6).says("there is no keyring");
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

/// A keyring in a state of its own.
#[derive(Debug)]
struct Failing(fn() -> keyring_core::Error);

impl CredentialStoreApi for Failing {
    fn vendor(&self) -> String {
        "test".to_owned()
    }

    fn id(&self) -> String {
        "test".to_owned()
    }

    fn build(
        &self,
        _: &str,
        _: &str,
        _: Option<&HashMap<&str, &str>>,
    ) -> keyring_core::Result<keyring_core::Entry> {
        Err((self.0)())
    }

    fn search(&self, _: &HashMap<&str, &str>) -> keyring_core::Result<Vec<keyring_core::Entry>> {
        Err((self.0)())
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// F-KR3: whether there is a keyring is tried, not guessed from DISPLAY.
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
            "takes at most 2560 characters",
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
    says("there is no keyring", false);
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
    sandbox.run(&["login"]).ok().says("Kept in a sealed file");
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
    sandbox.run(&["token"]).fails(6).says("cannot be read, and was left as it is: it is damaged");
    assert_eq!(entry.get_secret().unwrap(), b"not a record", "F-STO1: kept for repair");
    entry.set_secret(&stored).unwrap();
    sandbox.run(&["token"]).ok();

    *sandbox.keyring.store.lock() = Some(odd_keyring::that_loses_a_byte(&keyring));
    sandbox.run(&["token", "--refresh"]).fails(6).says("kept in a sealed file until");
    // It does not go home yet: the next refresh begins with what was rescued, under the lock that it holds.
    let before = authctl::ports::Clock::elapsed(&*sandbox.clock);
    sandbox.run(&["token", "--refresh"]).fails(6).says("kept in a sealed file until");
    let waited = authctl::ports::Clock::elapsed(&*sandbox.clock) - before;
    assert!(waited < std::time::Duration::from_secs(30), "nobody waits for himself: {waited:?}");
    assert_eq!(server.token_requests("refresh_token"), 2);
    *sandbox.keyring.store.lock() = Some(keyring);
    sandbox.run(&["token"]).ok().says("that could not be saved last time are now in the keyring");
    assert!(!server.any_family_revoked());
}

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
        sandbox.run(&["token", "--refresh"]).fails(6).says("kept in a sealed file until");
        assert_eq!(rescued(), 1);
        *sandbox.keyring.store.lock() = Some(Arc::clone(&keyring));
    };
    // A logout ends the session that was rescued, not the one before it.
    sandbox.run(&["login"]).ok();
    lose();
    sandbox.run(&["logout"]).ok();
    assert_eq!(rescued(), 0);
    for token in server.secrets().iter().filter(|secret| secret.starts_with("refresh")) {
        assert!(!server.accepts(token), "{token} lives");
    }
    // Nor does it come back over a later login, whether or not the account is the same.
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
    // A rename takes it along.
    lose();
    sandbox.run(&["account", "rename", "alice", "work"]).ok();
    assert_eq!(rescued(), 0);
    assert!(server.accepts(sandbox.run(&["token", "--account", "work", "--refresh"]).ok().text()));
}

#[test]
fn an_index_that_was_lost_is_made_anew() {
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
fn damaged_files_are_reported_and_not_removed_f_sto1() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    let (path, sealed) = sealed_record(&sandbox);
    for (name, bytes, said) in [
        (
            "changed",
            {
                let mut b = sealed.clone();
                *b.last_mut().unwrap() ^= 1;
                b
            },
            "it was changed, or sealed with another key",
        ),
        ("truncated", sealed[..sealed.len() - 30].to_vec(), "it was changed"),
        ("empty", Vec::new(), "it is not a sealed record"),
        ("newer", [b"authctl sealed record 9\n", &sealed[24..]].concat(), "sealed by a newer authctl"),
    ] {
        std::fs::write(&path, &bytes).unwrap();
        let output = sandbox.run(&["token"]).fails(6);
        assert!(output.stderr.contains(said), "{name}: {output}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{name}: kept");
    }
    std::fs::write(&path, &sealed).unwrap();
    sandbox.run(&["token"]).ok();
    std::fs::remove_file(sandbox.path("data/store.key")).unwrap();
    sandbox.run(&["token"]).fails(6).says("their key").says("is not there");
    sandbox.run(&["login"]).fails(6).says("is not there");
    sandbox.run(&["logout", "--local"]).ok();
    sandbox.run(&["login"]).ok();
}

#[cfg(unix)]
#[test]
fn files_of_other_users_are_refused_f_sto2_f_sto3() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    for (path, _) in sandbox.files() {
        if path.starts_with(sandbox.path("state")) || path.starts_with(sandbox.path("data")) {
            assert_eq!(crate::support::sandbox::mode(&path), 0o600, "{}", path.display());
        }
    }
    let (record, _) = sealed_record(&sandbox);
    for (path, bad, good) in [
        (record.clone(), 0o644, 0o600),
        (sandbox.path("data/store.key"), 0o640, 0o600),
        (sandbox.path("state/records"), 0o777, 0o700),
    ] {
        set_mode(&path, bad);
        sandbox.run(&["token"]).fails(6).says("so that others may get at it");
        set_mode(&path, good);
        sandbox.run(&["token"]).ok();
    }
    let moved = sandbox.path("elsewhere");
    std::fs::rename(&record, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &record).unwrap();
    sandbox.run(&["token"]).fails(6);
}

fn sealed_record(sandbox: &Sandbox) -> (std::path::PathBuf, Vec<u8>) {
    sandbox
        .files()
        .into_iter()
        .find(|(path, _)| path.extension().is_some_and(|ending| ending == "sealed"))
        .unwrap()
}

#[test]
fn a_login_never_leaves_a_second_copy() {
    let server = AuthorizationServer::start();
    // Without a keyring first, and with one later: the record stays where it is.
    let sandbox = auto(&server);
    sandbox.run(&["login"]).ok();
    let keyring = sandbox.keyring.present();
    sandbox.run(&["login"]).ok().says("Kept in a sealed file");
    assert!(entries(&keyring).is_empty());
    // A store that is now configured takes the record over, and the copy goes.
    sandbox.configure(&server_config(&server.domain(), "").replace("\"file\"", "\"keyring\""));
    sandbox.run(&["login"]).ok().says("Kept in the keyring");
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
fn a_store_that_cannot_be_used_is_told_before_the_browser_opens() {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    std::fs::create_dir_all(sandbox.path("state/records")).unwrap();
    set_mode(&sandbox.path("state/records"), 0o777);
    sandbox.system.browser = Arc::new(crate::support::browsers::Never);
    sandbox.run(&["login"]).fails(6).says("so that others may get at it");
    assert!(server.requests().is_empty());
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
    sandbox.run(&["token"]).fails(3).says("is for another server or client");
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
    // A long id token makes every record of this login too long.
    server.set(|behaviour| drop(behaviour.claims.insert("padding".to_owned(), "x".repeat(16 << 10).into())));
    sandbox.run(&["login"]).ok().says("Kept in the keyring.");
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

    // The index is lost: what the entry stands for is found all the same.
    std::fs::remove_dir_all(sandbox.path("state/index")).unwrap();
    assert_eq!(sandbox.run(&["token"]).ok(), first);
    // The file is gone: that is told, and nothing is deleted.
    let (path, bytes) = overflow().remove(0);
    std::fs::remove_file(&path).unwrap();
    sandbox.run(&["token"]).fails(6).says("it is not there");
    std::fs::write(&path, [&bytes[..bytes.len() - 1], b"x"].concat()).unwrap();
    crate::support::sandbox::set_mode(&path, 0o600);
    sandbox.run(&["token"]).fails(6).says("it was changed");
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(sandbox.run(&["token"]).ok(), first);
    sandbox.run(&["logout"]).ok();
    assert!(overflow().is_empty() && entries(&inner).is_empty());
}

/// A store that was changed and changed back, or a move that was interrupted, may leave an older copy.
#[test]
fn of_two_stores_with_different_generations_the_newer_is_used() {
    let server = AuthorizationServer::start();
    let sandbox = auto(&server);
    sandbox.run(&["login"]).ok().says("Kept in a sealed file");
    let (path, older) = sealed_record(&sandbox);
    let keyring = sandbox.keyring.present();
    sandbox.run(&["store", "move", "keyring"]).ok();
    let newer = sandbox.run(&["token", "--refresh"]).ok();
    std::fs::write(&path, &older).unwrap();
    set_mode(&path, 0o600);
    assert_eq!(sandbox.run(&["token"]).ok(), newer, "the list knows which");
    std::fs::remove_dir_all(sandbox.path("state/index")).unwrap();
    assert_eq!(sandbox.run(&["token"]).ok(), newer, "and without it the count tells");
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
        .says("an older copy than the last that was saved")
        .says("authctl login as");
    assert_eq!(std::fs::read(&path).unwrap(), older, "it is kept");
    sandbox.clock.advance(-4000);
    sandbox.run(&["login"]).ok();
    sandbox.run(&["token", "--refresh"]).ok();
}

/// What is checked is what is read: a file that others could write never gets in, however fast it is put there.
#[test]
fn a_file_swapped_between_check_and_read_is_noticed_f_sto4() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let make = |name: &str, content: &str, mode: u32| {
        std::fs::write(at(name), content).unwrap();
        set_mode(&at(name), mode);
    };
    make("good", "good", 0o600);
    make("evil", "evil", 0o666);
    std::fs::hard_link(at("good"), at("record")).unwrap();
    let done = AtomicBool::new(false);
    let (mut read, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for name in ["evil", "good"] {
                    let _ = std::fs::remove_file(at("next"));
                    std::fs::hard_link(at(name), at("next")).unwrap();
                    std::fs::rename(at("next"), at("record")).unwrap();
                    // Two links to one file are not renamed over each other.
                    std::thread::yield_now();
                }
            }
        });
        while read < 300 || refused < 300 {
            match authctl::os::private_file::read(&at("record")) {
                Ok(found) => {
                    assert_eq!(found.unwrap().as_slice(), b"good");
                    read += 1;
                }
                Err(_) => refused += 1,
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}
