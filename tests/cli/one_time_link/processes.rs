//! The link with the real program, real arguments and, as root, another user.
#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use url::Url;

use super::says_nothing;
use crate::support::browsers::{follow, redirect_of};
use crate::support::http::get;
use crate::support::sandbox::set_mode;
use crate::support::{AuthorizationServer, Sandbox};

const BINARY: &str = env!("CARGO_BIN_EXE_authctl");

/// A browser that records its arguments.
fn noting_browser(sandbox: &Sandbox) -> (PathBuf, PathBuf) {
    let noted = sandbox.path("arguments");
    let script = sandbox
        .write("browser", &format!("#!/bin/sh\necho \"$*\" >{0}.new\nmv {0}.new {0}\n", noted.display()));
    set_mode(&script, 0o700);
    (script, noted)
}

/// The link, once the browser has been started with it.
fn noted_link(noted: &std::path::Path) -> Url {
    for _ in 0..500 {
        if let Ok(text) = std::fs::read_to_string(noted) {
            let _ = std::fs::remove_file(noted);
            let link = Url::parse(text.trim()).unwrap_or_else(|_| panic!("just one URL, not {text}"));
            says_nothing(&link);
            return link;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("no browser was started");
}

fn start(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[track_caller]
fn ends(child: Child, status: i32) -> String {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{said}");
    said
}

/// No secret of the browser's URL is in the arguments of any process while it waits.
fn nobody_shows(words: &[&str]) {
    for process in std::fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
        let arguments = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&arguments);
        for word in words {
            assert!(!arguments.contains(word), "{word} in {arguments}");
        }
    }
}

#[test]
fn no_process_argument_holds_a_login_secret_f_leak11() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    let (browser, noted) = noting_browser(&sandbox);
    let browser = browser.to_str().unwrap();
    for by_variable in [false, true] {
        let mut login = sandbox.binary(BINARY, &["login", "as"]);
        if by_variable {
            login.env("BROWSER", browser);
        } else {
            login.args(["--browser", browser]);
        }
        let child = start(&mut login);
        let link = noted_link(&noted);
        let url = redirect_of(&link).unwrap();
        let values: Vec<String> = ["state", "code_challenge", "nonce"]
            .iter()
            .map(|wanted| url.query_pairs().find(|(name, _)| name == wanted).unwrap().1.into_owned())
            .collect();
        nobody_shows(&values.iter().map(String::as_str).collect::<Vec<_>>());
        follow(&url).unwrap();
        ends(child, 0);
    }
    let child = start(&mut sandbox.binary(BINARY, &["logout", "as", "--end-session", "--browser", browser]));
    let url = redirect_of(&noted_link(&noted)).unwrap();
    let hint = url.query_pairs().find(|(name, _)| name == "id_token_hint").unwrap().1.into_owned();
    nobody_shows(&[&hint]);
    assert!(ends(child, 0).contains("Your browser was sent to the server"));
}

/// Runs curl as another user: returns the response status.
fn as_another_user(url: &Url) -> String {
    let is_root = rustix::process::geteuid().is_root();
    assert!(is_root, "this test acts as another user: run it as root, or pass `--skip as_another_user`");
    let mut curl = Command::new("setpriv");
    curl.args(["--reuid", "65533", "--regid", "65533", "--clear-groups"]);
    curl.args(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "10", url.as_str()]);
    String::from_utf8(curl.output().unwrap().stdout).unwrap()
}

#[test]
fn another_users_request_does_not_complete_the_login_f_cb20() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    let (browser, noted) = noting_browser(&sandbox);
    let browser = browser.to_str().unwrap();
    let child = start(&mut sandbox.binary(BINARY, &["login", "as", "--browser", browser]));
    let link = noted_link(&noted);
    assert_eq!([as_another_user(&link), as_another_user(&link)], ["403", "403"]);
    let redirect = redirect_of(&redirect_of(&link).unwrap()).unwrap();
    assert_eq!(as_another_user(&redirect), "403");
    assert_eq!(get(&redirect).unwrap().0, 200);
    let said = ends(child, 0);
    assert!(said.contains("another user of this machine (uid 65533)"), "{said}");
    assert_eq!(server.token_requests("authorization_code"), 1);
}

#[test]
fn a_printed_url_works_only_for_its_user_f_cb20_as_another_user() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    let mut child = start(&mut sandbox.binary(BINARY, &["login", "as", "--no-browser"]));
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let url = lines.find_map(|line| Url::parse(line.trim()).ok()).unwrap();
    let redirect = redirect_of(&url).unwrap();
    assert_eq!(as_another_user(&redirect), "403");
    assert_eq!(get(&redirect).unwrap().0, 200);
    ends(child, 0);
}
