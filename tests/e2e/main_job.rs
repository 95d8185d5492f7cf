//! Login, token, API call, expiry, refresh, logout: with the real server, browser, keyring and curl.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::parts::{Bus, Ended, Home, OidcProvider, artefacts, wait_until};

/// The configuration of a user's login at the server.
pub fn config(server: &OidcProvider, more: &str) -> String {
    format!(
        "{more}\n[credentials.op]\ndomain = \"{}\"\nscheme = \"http\"\n[credentials.op.oauth]\nclient_id = \"app\"\nscopes = [\"openid\", \"profile\", \"offline_access\"]\nextra_params = {{ prompt = \"consent\" }}\n",
        server.domain()
    )
}

/// Calls the API with header lines from standard input: the token is in nobody's arguments.
fn call_api(server: &OidcProvider, headers: &str) -> (String, String) {
    let mut curl = Command::new("curl")
        .args(["-sS", "-w", "\n%{http_code}", "-H", "@-", &format!("{}/api", server.issuer)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    curl.stdin.take().unwrap().write_all(headers.as_bytes()).unwrap();
    let output = String::from_utf8(curl.wait_with_output().unwrap().stdout).unwrap();
    let (body, status) = output.rsplit_once('\n').unwrap();
    (status.to_owned(), body.to_owned())
}

#[test]
fn from_login_to_logout_with_a_real_browser_and_keyring() {
    let mut bus = Bus::with_keyring();
    let server = OidcProvider::start(3600);
    let mut home = Home::new(&config(&server, ""));
    home.bus = Some(bus.address.clone());

    home.run(&["token"]).fails(3).says("you are not logged in");
    let report = artefacts().join("page.json");
    let _ = std::fs::remove_file(&report);
    let login = home.login("browser.mjs", &[]).ok();
    for said in ["Logged in to op as alice", "Kept in the keyring.", "ends in 1 hour and is then renewed"] {
        assert!(login.stderr.contains(said), "{said}: {login:#?}");
    }
    // The browser takes its pictures while the login already goes on.
    wait_until("the browser's report", || report.exists());
    let report = std::fs::read_to_string(report).unwrap();
    assert!(
        report.contains("\"title\":\"You are logged in\"") && report.contains("\"problems\":[]"),
        "{report}"
    );

    let status = home.run(&["status"]).ok();
    assert!(status.stdout.contains("alice") && status.stdout.contains("keyring"), "{status:#?}");
    let whoami = home.run(&["whoami"]).ok();
    assert!(whoami.stdout.contains("The user alice"), "{whoami:#?}");

    let first = home.run(&["headers"]).ok();
    assert_eq!(call_api(&server, &first.stdout), ("200".to_owned(), "{\"hello\":\"alice\"}".to_owned()));

    server.set_access_token_seconds(2);
    let short = home.run(&["token", "--refresh"]).ok();
    assert_eq!(server.token_requests("refresh_token"), 1);
    let short = format!("Authorization: Bearer {}", short.text());
    wait_until("the end of the token", || call_api(&server, &short).0 == "401");
    server.set_access_token_seconds(3600);
    let renewed = home.run(&["headers"]).ok();
    assert_eq!(call_api(&server, &renewed.stdout).0, "200");
    assert_eq!(server.token_requests("refresh_token"), 2);
    assert_eq!(home.run(&["headers"]).ok(), renewed, "from the keyring");

    home.run(&["logout"]).ok().says("The server revoked the refresh token").says("forgotten in the keyring");
    assert_eq!(call_api(&server, &renewed.stdout).0, "401", "revoked");
    home.run(&["token"]).fails(3);
    assert!(bus.keyring_is_alive());
}

/// A home that is logged in, with a token that has ended.
fn ended(server: &OidcProvider, bus: &Bus) -> Home {
    server.set_access_token_seconds(1);
    let mut home = Home::new(&config(server, ""));
    home.bus = Some(bus.address.clone());
    home.login("walk.mjs", &[]).ok();
    std::thread::sleep(Duration::from_millis(1100));
    server.set_access_token_seconds(3600);
    home
}

#[test]
fn twenty_concurrent_calls_make_one_refresh_f_rot1() {
    let mut bus = Bus::with_keyring();
    let server = OidcProvider::start(1);
    let home = ended(&server, &bus);
    let children: Vec<_> = (0..20)
        .map(|_| home.command(&["token"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
        .collect();
    let outputs: Vec<Ended> =
        children.into_iter().map(|child| Ended::from(child.wait_with_output().unwrap()).ok()).collect();
    assert!(outputs.iter().all(|output| output.stdout == outputs[0].stdout), "{outputs:#?}");
    assert_eq!(server.token_requests("refresh_token"), 1);
    assert!(bus.keyring_is_alive());
}

#[test]
fn two_homes_with_one_keyring_make_one_refresh_f_rot3() {
    let bus = Bus::with_keyring();
    let server = OidcProvider::start(1);
    let home = ended(&server, &bus);
    let mut other = Home::new(&config(&server, ""));
    other.bus = Some(bus.address.clone());
    let children: Vec<_> = (0..16)
        .map(|number| {
            let mut command =
                if number % 2 == 0 { home.command(&["token"]) } else { other.command(&["token"]) };
            command.env("XDG_STATE_HOME", other.folder.path().join(format!("state-{}", number % 4)));
            if number % 4 == 0 {
                command.env_remove("XDG_STATE_HOME");
            }
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let outputs: Vec<Ended> =
        children.into_iter().map(|child| Ended::from(child.wait_with_output().unwrap()).ok()).collect();
    assert!(outputs.iter().all(|output| output.stdout == outputs[0].stdout), "{outputs:#?}");
    assert_eq!(server.token_requests("refresh_token"), 1);
}

#[test]
fn a_killed_refresh_is_explained_and_does_not_block_f_rot4_f_rot5() {
    let bus = Bus::with_keyring();
    // Before the server acts, and after it has rotated.
    for (fault, rotated) in [("{\"delay\":3000,\"drop\":true}", false), ("{\"delay\":300}", true)] {
        let server = OidcProvider::start(1);
        let home = ended(&server, &bus);
        server.fault(fault);
        let mut killed =
            home.command(&["token"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_until("the refresh", || server.token_requests("refresh_token") == 1);
        killed.kill().unwrap();
        killed.wait().unwrap();
        std::thread::sleep(Duration::from_millis(400));
        let start = Instant::now();
        let next = home.run(&["token"]);
        assert!(start.elapsed() < Duration::from_secs(10), "nothing hangs");
        match next.status {
            Some(0) => {
                assert_eq!(call_api(&server, &format!("Authorization: Bearer {}", next.text())).0, "200")
            }
            _ => {
                assert!(rotated, "nothing was lost here");
                next.fails(3).says("run `authctl login op`");
                home.login("walk.mjs", &[]).ok();
                home.run(&["token"]).ok();
            }
        }
        home.run(&["logout"]).ok();
    }
}

#[test]
fn a_changed_token_endpoint_gets_nothing_f_bind1() {
    let bus = Bus::with_keyring();
    let (server, evil) = (OidcProvider::start(1), OidcProvider::start(1));
    let home = ended(&server, &bus);
    home.configure(
        &config(&server, "")
            .replace("client_id", &format!("token_endpoint = \"{}/token\"\nclient_id", evil.issuer)),
    );
    let before = server.requests();
    home.run(&["token"]).fails(3).says("nothing was sent");
    assert_eq!((server.requests(), evil.requests()), (before, 0));
}

#[test]
fn client_credentials() {
    let bus = Bus::with_keyring();
    let server = OidcProvider::start(3600);
    let mut home = Home::new(&format!(
        "[credentials.m]\ndomain = \"{}\"\nscheme = \"http\"\n[credentials.m.oauth]\ngrant_type = \"client_credentials\"\nclient_id = \"machine\"\n_client_secret = {{ env = \"MACHINE_SECRET\" }}\n",
        server.domain()
    ));
    home.bus = Some(bus.address.clone());
    let token = |home: &Home| {
        Ended::from(home.command(&["token"]).env("MACHINE_SECRET", "machine-secret-canary").output().unwrap())
            .ok()
    };
    let first = token(&home);
    assert_eq!(token(&home), first);
    assert_eq!(server.token_requests("client_credentials"), 1);
}

#[test]
fn a_canary_grep_of_everything_finds_no_token_outside_the_store_f_leak3() {
    let bus = Bus::with_keyring();
    let server = OidcProvider::start(3600);
    for (store, in_keyring) in [("store = \"keyring\"", true), ("store = \"file\"", false)] {
        let mut home = Home::new(&config(&server, store));
        home.bus = Some(bus.address.clone());
        // What the processes of this test have in their arguments and environments, sampled all the while.
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let sampler = std::thread::spawn({
            let stop = stop.clone();
            move || {
                let mut seen = std::collections::BTreeSet::new();
                while !stop.load(std::sync::atomic::Ordering::SeqCst) {
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
            }
        });
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
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
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

fn collect(folder: &std::path::Path, files: &mut Vec<(std::path::PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files)
        } else {
            files.push((path.clone(), std::fs::read(&path).unwrap()))
        }
    }
}
