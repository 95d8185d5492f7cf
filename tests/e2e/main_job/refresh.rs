//! Concurrent and interrupted refreshes.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{call_api, config, ended};
use crate::parts::{Bus, Ended, Home, OidcProvider, wait_until};

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
