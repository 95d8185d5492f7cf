//! Crashes and failing writes at every step of a refresh (F-ROT5): the real binary, built with `fault-injection`, against
//! a server that rotates refresh tokens and ends the whole family when an old one comes back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests may fail, and use the real machine"
)]

#[path = "../cli/support/mod.rs"]
mod support;

use std::process::Stdio;

use support::sandbox::server_config;
use support::{AuthorizationServer, Sandbox};

const PROGRAM: &str = env!("CARGO_BIN_EXE_authctl");

/// How a run ended.
#[derive(Debug)]
struct Ended {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ended {
    #[track_caller]
    fn ok(self) -> Self {
        assert_eq!(self.status, Some(0), "{self:#?}");
        self
    }

    #[track_caller]
    fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "`{text}` is not in {self:#?}");
        self
    }
}

fn run(sandbox: &Sandbox, arguments: &[&str], faults: &str) -> Ended {
    let mut command = sandbox.binary(PROGRAM, arguments);
    command.env("FAULT_POINT", faults).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A home that is logged in.
fn logged_in(server: &AuthorizationServer) -> Sandbox {
    let sandbox = Sandbox::new(&server_config(&server.domain(), ""));
    run(&sandbox, &["login", "--browser", "curl -sL -o /dev/null %s"], "").ok();
    sandbox
}

#[test]
fn f_rot5_a_crash_at_every_step() {
    // Where it crashes, whether the server has rotated by then, and whether the session survives.
    for (point, rotated, survives) in [
        ("noted", false, true),
        ("answered", true, false),
        ("unsaved", true, false),
        ("written", true, true),
        ("saved", true, true),
    ] {
        let server = AuthorizationServer::start();
        let sandbox = logged_in(&server);
        let before = run(&sandbox, &["token"], "").ok();
        let crashed = run(&sandbox, &["token", "--refresh"], &format!("crash:{point}"));
        assert_eq!(
            (crashed.status, crashed.stdout.as_str()),
            (None, ""),
            "{point}: it crashed, and printed nothing"
        );
        assert_eq!(server.token_requests("refresh_token"), usize::from(rotated), "{point}");
        let next = run(&sandbox, &["token", "--refresh"], "");
        if survives {
            let next = next.ok();
            assert_ne!(next.stdout, before.stdout, "{point}");
            assert!(server.accepts(next.stdout.trim()), "{point}");
            assert!(!server.any_family_revoked(), "{point}");
            run(&sandbox, &["token", "--refresh"], "").ok();
        } else {
            assert_eq!(next.status, Some(3), "{point}: {next:#?}");
            next.says("an earlier refresh was interrupted before its answer was saved")
                .says("authctl login as");
            run(&sandbox, &["login", "--browser", "curl -sL -o /dev/null %s"], "").ok();
            run(&sandbox, &["token", "--refresh"], "").ok();
        }
    }
}

#[test]
fn f_rot5_what_cannot_be_saved_is_rescued_and_moved_home() {
    let server = AuthorizationServer::start();
    let sandbox = logged_in(&server);
    let full = run(&sandbox, &["token", "--refresh"], "fail:record");
    assert_eq!((full.status, full.stdout.as_str()), (Some(6), ""), "{full:#?}");
    full.says("are kept in a sealed file until the next run moves them home");
    let rescued = || {
        sandbox.files().iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "rescued")).count()
    };
    assert_eq!(rescued(), 1);
    // The disk is still full: what was rescued is used from where it is.
    let still = run(&sandbox, &["token"], "fail:record").ok();
    assert!(server.accepts(still.stdout.trim()), "{still:#?}");
    assert_eq!(rescued(), 1);
    let home = run(&sandbox, &["token"], "").ok().says("are now in a sealed file");
    assert_eq!(home.stdout, still.stdout);
    assert_eq!(rescued(), 0);
    assert_ne!(run(&sandbox, &["token", "--refresh"], "").ok().stdout, home.stdout);
    assert!(!server.any_family_revoked());
    assert_eq!(server.token_requests("refresh_token"), 2);
}

#[test]
fn f_rot5_where_nothing_can_be_written_the_next_run_explains() {
    let server = AuthorizationServer::start();
    let sandbox = logged_in(&server);
    let lost = run(&sandbox, &["token", "--refresh"], "fail:record,fail:rescue");
    assert_eq!((lost.status, lost.stdout.as_str()), (Some(6), ""), "{lost:#?}");
    let next = run(&sandbox, &["token", "--refresh"], "");
    assert_eq!(next.status, Some(3), "{next:#?}");
    next.says("an earlier refresh was interrupted");
    let output = run(&sandbox, &["token"], "").ok();
    assert!(!output.stdout.is_empty(), "the access token is still good: {output:#?}");
}

/// A disk that is full before anything is sent costs nothing.
#[test]
fn f_rot5_what_cannot_be_noted_is_not_asked_for() {
    let server = AuthorizationServer::start();
    let sandbox = logged_in(&server);
    let full = run(&sandbox, &["token", "--refresh"], "fail:index");
    assert_eq!((full.status, full.stdout.as_str()), (Some(6), ""), "{full:#?}");
    assert_eq!(server.token_requests("refresh_token"), 0);
    run(&sandbox, &["token"], "fail:index").ok();
    run(&sandbox, &["token", "--refresh"], "").ok();
}
