//! Crashes and failing writes at every step of a refresh (F-ROT5): the real binary, built with `fault-injection`, against
//! a server that rotates refresh tokens and revokes the whole family when an old one is reused.

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

use std::process::{Command, Stdio};

use support::sandbox::server_config;
use support::{AuthorizationServer, Sandbox};

const PROGRAM: &str = env!("CARGO_BIN_EXE_authctl");

/// The result of a run.
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
fn a_crash_at_every_step_f_rot5() {
    // Where it crashes, whether the server has rotated the refresh token by then, and whether the session survives.
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
            next.says("may have replaced the token in an earlier refresh that was interrupted")
                .says("authctl login as");
            run(&sandbox, &["login", "--browser", "curl -sL -o /dev/null %s"], "").ok();
            run(&sandbox, &["token", "--refresh"], "").ok();
        }
    }
}

/// F-ROT10: the new refresh token is saved before the ID token is verified, which may need the network.
#[test]
fn a_crash_while_the_id_token_is_checked_loses_nothing_f_rot10() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.id_token_on_refresh = true);
    let sandbox = logged_in(&server);
    let crashed = run(&sandbox, &["token", "--refresh"], "crash:rotated");
    assert_eq!((crashed.status, crashed.stdout.as_str()), (None, ""));
    assert_eq!(server.token_requests("refresh_token"), 1);
    let next = run(&sandbox, &["token", "--refresh"], "").ok();
    assert!(server.accepts(next.stdout.trim()));
    assert!(!server.any_family_revoked());
}

#[test]
fn a_record_that_cannot_be_saved_is_rescued_and_moved_back_f_rot5() {
    let server = AuthorizationServer::start();
    let sandbox = logged_in(&server);
    let full = run(&sandbox, &["token", "--refresh"], "fail:record");
    assert_eq!((full.status, full.stdout.as_str()), (Some(6), ""), "{full:#?}");
    full.says("they are in an encrypted file until the next run moves them there");
    let rescued = || {
        sandbox.files().iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "rescued")).count()
    };
    assert_eq!(rescued(), 1);
    // The disk is still full: authctl uses the rescued record where it is.
    let still = run(&sandbox, &["token"], "fail:record").ok();
    assert!(server.accepts(still.stdout.trim()), "{still:#?}");
    assert_eq!(rescued(), 1);
    let home = run(&sandbox, &["token"], "").ok().says("are now in an encrypted file");
    assert_eq!(home.stdout, still.stdout);
    assert_eq!(rescued(), 0);
    assert_ne!(run(&sandbox, &["token", "--refresh"], "").ok().stdout, home.stdout);
    assert!(!server.any_family_revoked());
    assert_eq!(server.token_requests("refresh_token"), 2);
}

#[test]
fn if_nothing_can_be_written_the_next_run_explains_it_f_rot5() {
    let server = AuthorizationServer::start();
    let sandbox = logged_in(&server);
    let lost = run(&sandbox, &["token", "--refresh"], "fail:record,fail:rescue");
    assert_eq!((lost.status, lost.stdout.as_str()), (Some(6), ""), "{lost:#?}");
    let next = run(&sandbox, &["token", "--refresh"], "");
    assert_eq!(next.status, Some(3), "{next:#?}");
    next.says("may have replaced the token");
    let output = run(&sandbox, &["token"], "").ok();
    assert!(!output.stdout.is_empty(), "the access token is still good: {output:#?}");
}

/// If the disk is full before anything is sent, nothing is lost.
#[test]
fn a_refresh_that_cannot_be_noted_is_not_sent_f_rot5() {
    let server = AuthorizationServer::start();
    let sandbox = logged_in(&server);
    let full = run(&sandbox, &["token", "--refresh"], "fail:index");
    assert_eq!((full.status, full.stdout.as_str()), (Some(6), ""), "{full:#?}");
    assert_eq!(server.token_requests("refresh_token"), 0);
    run(&sandbox, &["token"], "fail:index").ok();
    run(&sandbox, &["token", "--refresh"], "").ok();
}

/// A separate disk for one folder of a home. Only root can mount one.
struct Disk(std::path::PathBuf);

impl Disk {
    fn mount(path: std::path::PathBuf) -> Self {
        std::fs::create_dir_all(&path).unwrap();
        let disk = Self(path);
        disk.call("mount", &["-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs"]);
        disk
    }

    fn call(&self, program: &str, arguments: &[&str]) {
        let status = Command::new(program).args(arguments).arg(&self.0).status().unwrap();
        assert!(status.success(), "{program} needs root");
    }

    /// Leaves this many bytes free.
    fn fill_up_to(&self, free: usize) {
        let filler = self.0.join("filler");
        let mut size = 256 << 10;
        while std::fs::write(&filler, vec![0_u8; size]).is_err() {
            size -= 4 << 10;
        }
        std::fs::write(&filler, vec![0_u8; size - free]).unwrap();
    }

    fn empty(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_loses_no_session_f_rot5() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::new(&server_config(&server.domain(), ""));
    let disk = Disk::mount(sandbox.path("xdg-state"));
    run(&sandbox, &["login", "--browser", "curl -sL -o /dev/null %s"], "").ok();
    let before = run(&sandbox, &["token"], "").ok();
    // A long access token makes the record long; the note of the refresh still fits.
    let long = "x".repeat(24 << 10);
    server.set(|behaviour| drop(behaviour.token_members.insert("access_token".to_owned(), long.into())));
    disk.fill_up_to(12 << 10);
    let full = run(&sandbox, &["token", "--refresh"], "");
    assert_eq!((full.status, full.stdout.as_str()), (Some(6), ""), "{full:#?}");
    full.says("could not save the new tokens in an encrypted file").says("No space left");
    assert_eq!(server.token_requests("refresh_token"), 1);
    disk.empty();
    let next = run(&sandbox, &["token"], "").ok();
    assert_ne!(next.stdout, before.stdout);
    next.says("that could not be saved last time are now in an encrypted file");
    run(&sandbox, &["token", "--refresh"], "").ok();
    assert!(!server.any_family_revoked());
}

/// F-ROT10: if the new refresh token fits but the rest of the record does not, only the rest is lost.
#[test]
fn a_disk_that_is_nearly_full_keeps_the_new_refresh_token_f_rot10() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::new(&server_config(&server.domain(), ""));
    let disk = Disk::mount(sandbox.path("xdg-state"));
    run(&sandbox, &["login", "--browser", "curl -sL -o /dev/null %s"], "").ok();
    server.set(|behaviour| {
        behaviour.id_token_on_refresh = true;
        drop(behaviour.claims.insert("padding".to_owned(), "x".repeat(24 << 10).into()));
    });
    disk.fill_up_to(12 << 10);
    let full = run(&sandbox, &["token", "--refresh"], "");
    assert_eq!((full.status, full.stdout.as_str()), (Some(6), ""), "{full:#?}");
    full.says("No space left");
    disk.empty();
    server.set(|behaviour| behaviour.id_token_on_refresh = false);
    let next = run(&sandbox, &["token", "--refresh"], "").ok();
    assert!(server.accepts(next.stdout.trim()));
    assert!(!server.any_family_revoked());
}

#[test]
fn a_read_only_disk_sends_nothing_f_rot5() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::new(&server_config(&server.domain(), ""));
    let disk = Disk::mount(sandbox.path("xdg-state"));
    run(&sandbox, &["login", "--browser", "curl -sL -o /dev/null %s"], "").ok();
    let token = run(&sandbox, &["token"], "").ok();
    disk.call("mount", &["-o", "remount,ro"]);
    assert_eq!(run(&sandbox, &["token"], "").ok().stdout, token.stdout, "reading needs no free space");
    let refused = run(&sandbox, &["token", "--refresh"], "");
    assert_eq!((refused.status, refused.stdout.as_str()), (Some(6), ""), "{refused:#?}");
    refused.says("Read-only file system");
    assert_eq!(server.token_requests("refresh_token"), 0, "the refresh token was not used up");
    disk.call("mount", &["-o", "remount,rw"]);
    run(&sandbox, &["token", "--refresh"], "").ok();
}

#[test]
fn a_crash_after_a_registration_loses_no_client() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| {
        behaviour.registers = Some(serde_json::Map::new());
        behaviour.client_secret = Some("secret-canary".to_owned());
        let methods = serde_json::json!(["client_secret_basic"]);
        behaviour.metadata.insert("token_endpoint_auth_methods_supported".to_owned(), methods);
    });
    let sandbox = Sandbox::new(&format!(
        "store = \"file\"\n[credentials.as]\ndomain = \"{}\"\nscheme = \"http\"\noauth.scopes = [\"openid\"]\n",
        server.domain()
    ));
    let login = ["login", "--browser", "curl -sL -o /dev/null %s"];
    let crashed = run(&sandbox, &login, "crash:registered");
    assert_eq!((crashed.status, crashed.stdout.as_str()), (None, ""));
    assert!(!sandbox.path("state/learned.toml").exists());
    run(&sandbox, &login, "").ok();
    assert_eq!(server.requests_to("/register").len(), 1, "the next login uses it");
    run(&sandbox, &["token", "--refresh"], "").ok();
    for (path, text) in sandbox.files() {
        assert!(!String::from_utf8_lossy(&text).contains("canary"), "{}", path.display());
    }
}
