//! Encrypted files that are damaged or that others may write.

use super::sealed_record;
use crate::support::sandbox::set_mode;
use crate::support::{AuthorizationServer, Sandbox};

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
            "it was modified, or encrypted with a different key",
        ),
        ("truncated", sealed[..sealed.len() - 30].to_vec(), "it was modified"),
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
    sandbox.run(&["token"]).fails(6).says("their key").says("does not");
    sandbox.run(&["login"]).fails(6).says("does not");
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
        sandbox.run(&["token"]).fails(6).says("which gives others access");
        set_mode(&path, good);
        sandbox.run(&["token"]).ok();
    }
    let moved = sandbox.path("elsewhere");
    std::fs::rename(&record, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &record).unwrap();
    sandbox.run(&["token"]).fails(6);
}

/// authctl checks the file that it reads: a file that others could write is never used, however fast it is swapped in.
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
