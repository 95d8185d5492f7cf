//! No token appears outside the store.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::config;
use crate::parts::{Bus, Home, OidcProvider};

/// Samples the arguments and environments of all processes continuously until it is stopped.
fn sample_processes(stop: Arc<AtomicBool>) -> JoinHandle<BTreeSet<String>> {
    std::thread::spawn(move || {
        let mut seen = BTreeSet::new();
        while !stop.load(Ordering::SeqCst) {
            for process in std::fs::read_dir("/proc").unwrap().flatten() {
                for file in ["cmdline", "environ"] {
                    if let Ok(bytes) = std::fs::read(process.path().join(file)) {
                        seen.insert(String::from_utf8_lossy(&bytes).into_owned());
                    }
                }
            }
            std::thread::sleep(Duration::from_millis(3));
        }
        seen
    })
}

#[test]
fn a_canary_grep_of_everything_finds_no_token_outside_the_store_f_leak3() {
    let bus = Bus::with_keyring();
    let server = OidcProvider::start(3600);
    for (store, in_keyring) in [("store = \"keyring\"", true), ("store = \"file\"", false)] {
        let mut home = Home::new(&config(&server, store));
        home.bus = Some(bus.address.clone());
        let stop = Arc::new(AtomicBool::new(false));
        let sampler = sample_processes(stop.clone());
        let mut said = vec![home.login("walk.mjs", &["-vvv"]).ok()];
        for arguments in [
            &["status"][..],
            &["status", "--json"],
            &["whoami", "-vvv"],
            &["config", "show"],
            &["refresh", "-vvv"],
            &["config", "check"],
        ] {
            said.push(home.run(arguments).ok());
        }
        let printed = home.run(&["token", "-vvv"]).ok();
        stop.store(true, Ordering::SeqCst);
        let seen = sampler.join().unwrap();
        let mut files = Vec::new();
        collect(home.folder.path(), &mut files);
        let issued = server.issued();
        assert!(issued.len() >= 4, "{issued:?}");
        assert!(issued.iter().any(|token| token == printed.text()));
        for token in &issued {
            for output in &said {
                assert!(!output.stdout.contains(token) && !output.stderr.contains(token), "{output:#?}");
            }
            assert!(!printed.stderr.contains(token));
            assert!(
                seen.iter().all(|text| !text.contains(token)),
                "a token was in a process's arguments or environment"
            );
            for (path, bytes) in &files {
                assert!(
                    !bytes.windows(token.len()).any(|window| window == token.as_bytes()),
                    "{}",
                    path.display()
                );
            }
        }
        assert_eq!(
            files.iter().any(|(path, _)| path.extension().is_some_and(|ending| ending == "sealed")),
            !in_keyring
        );
        home.run(&["logout"]).ok();
    }
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files)
        } else {
            files.push((path.clone(), std::fs::read(&path).unwrap()))
        }
    }
}
