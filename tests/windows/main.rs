//! Windows only: its Credential Manager, folders and locks. packaging/cross-check runs this under wine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests may fail, and use the real machine"
)]
#![cfg(windows)]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use authctl::adapters;
use authctl::ports::{Folder, Keyring as _, Paths as _};

#[path = "../cli/support/mod.rs"]
mod support;

use support::sandbox::server_config;
use support::{AuthorizationServer, Sandbox};

/// A home whose keyring is the Credential Manager, and whose provider has a name that no other test uses.
fn home(server: &AuthorizationServer, name: &str) -> Sandbox {
    let config = server_config(&server.domain(), "").replace("\"file\"", "\"keyring\"");
    let mut sandbox = Sandbox::new(&config.replace("credentials.as", &format!("credentials.{name}")));
    sandbox.system.keyring = Arc::new(adapters::keyring::SessionKeyring);
    sandbox
}

#[test]
fn a_session_lives_in_the_credential_manager() {
    let server = AuthorizationServer::start();
    let sandbox = home(&server, "windows-session");
    sandbox.run(&["token"]).fails(3).says("you are not logged in");
    sandbox.run(&["login"]).ok().says("Stored in the keyring");
    let first = sandbox.run(&["token"]).ok();
    assert!(server.accepts(first.text()), "{first}");
    assert!(
        !sandbox.files().iter().any(|(path, _)| path.extension().is_some_and(|ending| ending == "sealed"))
    );
    sandbox.clock.advance(3600);
    let second = sandbox.run(&["token"]).ok();
    assert_ne!(first, second);
    assert_eq!(server.token_requests("refresh_token"), 1);
    sandbox.run(&["store", "move", "file"]).ok();
    sandbox.run(&["store", "move", "keyring"]).ok();
    assert_eq!(sandbox.run(&["token"]).ok(), second);
    sandbox.run(&["logout"]).ok().says("The server revoked the refresh token.");
    sandbox.run(&["token"]).fails(3).says("you are not logged in");
}

/// An entry holds 2560 bytes; authctl encrypts longer secrets in a file.
#[test]
fn a_long_token_comes_back_whole() {
    let server = AuthorizationServer::start();
    let sandbox = home(&server, "windows-long");
    let token = "t".repeat(6000);
    sandbox.run_with(&["login", "--with-token"], &token).ok();
    assert_eq!(sandbox.run(&["token"]).ok().text(), token);
    sandbox.run(&["logout", "--local"]).ok();
    sandbox.run(&["token"]).fails(3);
}

#[test]
fn set_get_and_delete_in_the_credential_manager() {
    let keyring = adapters::keyring::SessionKeyring.open().unwrap();
    let modifiers = std::collections::HashMap::from([("persistence", "Local")]);
    let entry = keyring.build("authctl", "windows-plain", Some(&modifiers)).unwrap();
    entry.set_secret(b"\0\xff secret").unwrap();
    let again = keyring.build("authctl", "windows-plain", None).unwrap();
    assert_eq!(again.get_secret().unwrap(), b"\0\xff secret");
    again.delete_credential().unwrap();
    assert!(matches!(entry.get_secret(), Err(keyring_core::Error::NoEntry)));
}

#[test]
fn folders_are_those_of_windows() {
    let folders = adapters::paths::UserFolders;
    for (folder, part) in [
        (Folder::Config, r"AppData\Roaming\authctl"),
        (Folder::State, r"AppData\Local\authctl\state"),
        (Folder::Data, r"AppData\Local\authctl\keys"),
        (Folder::Cache, r"AppData\Local\authctl"),
        (Folder::Locks, r"AppData\Local\authctl\locks"),
        (Folder::Runtime, r"AppData\Local\authctl\run"),
        (Folder::Site, r"ProgramData\authctl"),
    ] {
        let path = folders.folder(folder).unwrap();
        assert!(path.is_absolute() && path.ends_with(part), "{}", path.display());
    }
}

fn authctl(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authctl"));
    command.args(arguments).env("AUTHCTL_CONFIG", sandbox.path("config/config.toml"));
    command.stdin(Stdio::null()).output().unwrap()
}

#[test]
fn the_program_runs() {
    let sandbox = Sandbox::new("[credentials.x]\ndomain = \"x.example\"\njwt = \"token\"\n");
    let version = authctl(&sandbox, &["--version"]);
    assert_eq!(
        String::from_utf8_lossy(&version.stdout).trim(),
        concat!("authctl ", env!("CARGO_PKG_VERSION"))
    );
    let check = authctl(&sandbox, &["config", "check"]);
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    assert!(String::from_utf8_lossy(&check.stderr).contains("The configuration is valid: 1 provider."));
    assert_eq!(authctl(&sandbox, &["token", "x"]).stdout, b"token\n");
    // Windows cannot replace a process: authctl waits for the program and returns its exit status.
    let ran = authctl(&sandbox, &["exec", "x", "--", "cmd", "/c", "echo %X_TOKEN%& exit 7"]);
    assert_eq!(ran.status.code(), Some(7), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(String::from_utf8_lossy(&ran.stdout).trim(), "token");
    sandbox.configure("[credentials.x]\ndomian = \"x.example\"\n");
    assert_eq!(authctl(&sandbox, &["config", "check"]).status.code(), Some(4));
}

/// Concurrent runs make one refresh: the lock is the system's.
#[test]
fn concurrent_processes_make_one_refresh_f_rot1() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.expires_in = Some(1));
    let config = server_config(&server.domain(), "").replace("credentials.as", "credentials.windows-lock");
    let sandbox = Sandbox::new(&config.replace("\"file\"", "\"keyring\""));
    let start = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_authctl"));
        command.args(arguments).env("AUTHCTL_CONFIG", sandbox.path("config/config.toml"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    // An existing session, imported with its refresh token.
    let elsewhere = Sandbox::with_server(&server.domain());
    elsewhere.run(&["login"]).ok();
    let refresh_token = server.secrets().into_iter().find(|secret| secret.starts_with("refresh")).unwrap();
    let mut login = start(&["login", "--with-token=refresh"]);
    login.stdin.take().unwrap().write_all(refresh_token.as_bytes()).unwrap();
    let login = login.wait_with_output().unwrap();
    assert!(login.status.success(), "{}", String::from_utf8_lossy(&login.stderr));
    std::thread::sleep(std::time::Duration::from_millis(1100));
    server.set(|behaviour| behaviour.expires_in = Some(3600));
    let before = server.token_requests("refresh_token");
    let at_once: Vec<_> = (0..4).map(|_| start(&["token"])).collect();
    let outputs: Vec<Output> = at_once.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    for output in &outputs {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.stdout, outputs[0].stdout);
    }
    assert_eq!(server.token_requests("refresh_token"), before + 1);
    assert!(start(&["logout", "--local"]).wait().unwrap().success());
}
