//! Several processes use one login at a time.

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;

use super::parallel_sandbox;
use crate::support::http::Reply;

/// Rotation loses no login.
#[test]
fn twenty_processes_make_one_refresh_f_rot1() {
    let (server, sandbox) = parallel_sandbox();
    let children: Vec<_> = (0..20)
        .map(|_| {
            let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["token"]);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let outputs: Vec<_> = children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    for output in &outputs {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.stdout, outputs[0].stdout);
    }
    assert_eq!(server.token_requests("refresh_token"), 1);
    assert!(!server.any_family_revoked());
}

#[test]
fn a_killed_holder_frees_the_lock_f_rot4() {
    let (server, sandbox) = parallel_sandbox();
    // The process is killed before the response; the server has rotated nothing yet.
    server.fault("/token", Reply::After(Duration::from_secs(20), Box::new(Reply::Drop)));
    let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["token"]);
    let mut killed = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    while server.token_requests("refresh_token") == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let output =
        sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["token"]).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_logout_while_a_refresh_runs_is_not_undone_f_rot8() {
    let (server, sandbox) = parallel_sandbox();
    server.lose(
        "/token",
        Reply::After(
            Duration::from_millis(700),
            Box::new(Reply::json(
                200,
                &json!({ "access_token": "late", "token_type": "bearer", "expires_in": 3600 }),
            )),
        ),
    );
    let mut refreshing = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["token"]);
    let refreshing =
        refreshing.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while server.token_requests("refresh_token") == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let logout =
        sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["logout"]).stdin(Stdio::null()).output().unwrap();
    assert!(logout.status.success(), "{}", String::from_utf8_lossy(&logout.stderr));
    assert!(refreshing.wait_with_output().unwrap().status.success(), "the refresh came first");
    let after =
        sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["token"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(after.status.code(), Some(3), "and nothing came back");
}

#[test]
fn a_signal_in_the_middle_of_a_refresh_waits_for_the_save_f_rot5() {
    let (server, sandbox) = parallel_sandbox();
    let slow = Reply::After(
        Duration::from_millis(500),
        Box::new(Reply::json(
            200,
            &json!({ "access_token": "saved", "token_type": "bearer", "expires_in": 3600, "refresh_token": "next" }),
        )),
    );
    server.lose("/token", slow);
    let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["token"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while server.token_requests("refresh_token") == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.is_empty());
    let next =
        sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["token"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&next.stdout), "saved\n", "the received token was saved");
    assert_eq!(server.token_requests("refresh_token"), 1);
}
