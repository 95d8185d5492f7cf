//! The git credential helper.

use std::sync::Arc;

use super::{TOKEN_CONFIG, git, logged_in, nothing};
use crate::support::browsers::Never;
use crate::support::http::Reply;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn git_gets_credentials_for_the_configured_hosts_only_f_git4_f_git6() {
    let (server, sandbox) = logged_in(TOKEN_CONFIG);
    let own = server.domain();
    for (name, protocol, host, answered) in [
        ("the domain", "https", "git.example", true),
        ("a further host with its port", "https", "code.example:8443", true),
        ("in capitals", "https", "GIT.example", true),
        ("with the port that https has", "https", "git.example:443", true),
        ("http on the loopback, as configured", "http", own.as_str(), true),
        ("https where http is configured", "https", own.as_str(), false),
        ("http where https is configured", "http", "git.example", false),
        ("another port", "https", "git.example:8443", false),
        ("without the port", "https", "code.example", false),
        ("a longer name in front", "https", "evilgit.example", false),
        ("a part in front", "https", "evil.git.example", false),
        ("a part behind", "https", "git.example.evil.example", false),
        ("a dot behind", "https", "git.example.", false),
        ("a homograph", "https", "gít.example", false),
        ("its own name in punycode", "https", "xn--bcher-kva.example", true),
        ("the same in Unicode", "https", "bücher.example", false),
        ("a user name in it", "https", "x@git.example", false),
        ("a path in it", "https", "git.example/x", false),
        ("a path that hides a host", "https", "evil.example/git.example", false),
        ("another scheme", "ssh", "git.example", false),
        ("the start of one", "httpss", "git.example", false),
        ("an empty host", "https", "", false),
    ] {
        let output = git(&sandbox, "get", &[&format!("protocol={protocol}"), &format!("host={host}")]);
        if answered {
            assert!(output.clone().ok().stdout.contains("password="), "{name}: {output}");
        } else {
            nothing(&output, name);
        }
    }
    nothing(&git(&sandbox, "get", &["protocol=https"]), "no host");
    nothing(&git(&sandbox, "get", &["host=git.example"]), "no protocol");
    nothing(&git(&sandbox, "get", &[]), "nothing");
}

#[test]
fn a_malformed_git_line_gets_no_credential_f_git1_f_git2() {
    let (_server, sandbox) = logged_in(TOKEN_CONFIG);
    for (name, text) in [
        ("CVE-2024-52006", "protocol=https\nhost=evil.example\rhost=git.example\n\n"),
        ("CVE-2024-50338", "protocol=http\rprotocol=https\rhost=git.example\r\nhost=evil.example\n\n"),
        ("CVE-2020-5260", "protocol=https\nhost=evil.example\nhost=git.example\n\n"),
        ("NUL", "protocol=https\nhost=git.example\0\n\n"),
        (
            "F-GIT3 CVE-2024-53263, a line feed in a setting of git-lfs",
            "protocol=https\nhost=evil.example\npath=x\nprotocol=https\nhost=git.example\n\n",
        ),
    ] {
        let output = sandbox.run_with(&["helper", "git", "get"], text);
        output.fails(1).says("git's request is not valid");
        let _ = name;
    }
}

#[test]
fn git_gets_a_bearer_token_if_it_supports_one_or_a_password() {
    let (server, sandbox) = logged_in("[credentials.as.helper]\ngit_username = \"someone\"\n");
    let host = format!("host={}", server.domain());
    let token = sandbox.run(&["token"]).ok().text().to_owned();
    let announced = "capability[]=authtype";
    let bearer = format!("capability[]=authtype\nauthtype=Bearer\ncredential={token}\nephemeral=1\n");
    let password = |user: &str| format!("username={user}\npassword={token}\n");
    for (name, lines, want) in [
        ("announced and challenged", vec![announced, "wwwauth[]=Bearer realm=\"x\""], bearer.clone()),
        (
            "both challenges",
            vec![announced, "wwwauth[]=Basic realm=\"x\"", "wwwauth[]=Bearer"],
            bearer.clone(),
        ),
        ("a password is wanted", vec![announced, "wwwauth[]=Basic realm=\"x\""], password("someone")),
        ("no challenge, and a name is configured", vec![announced], password("someone")),
        ("an older git", vec!["wwwauth[]=Bearer"], password("someone")),
        ("git names a user", vec!["username=alice"], password("alice")),
    ] {
        let lines: Vec<&str> = ["protocol=http", host.as_str()].into_iter().chain(lines).collect();
        let answer = git(&sandbox, "get", &lines).ok().stdout;
        let (start, expiry) = answer.rsplit_once("password_expiry_utc=").expect("GH3");
        assert_eq!(start, want, "{name}");
        let seconds: i64 = expiry.trim().parse().unwrap();
        let life = seconds - jiff::Timestamp::now().as_second();
        assert!((3500..=3600).contains(&life), "{name}: {life}");
        assert!(!answer.contains("refresh"), "GH2: {name}");
    }
}

#[test]
fn git_erase_replaces_only_the_erased_token() {
    let (server, sandbox) = logged_in("");
    let host = format!("host={}", server.domain());
    let first = sandbox.run(&["token"]).ok().text().to_owned();
    nothing(&git(&sandbox, "store", &["protocol=http", &host, &format!("password={first}")]), "store");
    nothing(&git(&sandbox, "erase", &["protocol=http", &host, "password=an-older-one"]), "erase");
    assert_eq!(sandbox.run(&["token"]).ok().text(), first, "another token was rejected");
    nothing(&git(&sandbox, "erase", &["protocol=http", &host, &format!("credential={first}")]), "erase");
    assert_eq!(server.token_requests("refresh_token"), 0, "not before somebody asks");
    let second = sandbox.run(&["token"]).ok().text().to_owned();
    assert_ne!(second, first);
    assert_eq!(server.token_requests("refresh_token"), 1);
    nothing(&git(&sandbox, "erase", &["protocol=http", &host]), "erase of whatever there is");
    assert_ne!(sandbox.run(&["token"]).ok().text(), second);
    nothing(&git(&sandbox, "capability-of-tomorrow", &[]), "an unknown operation");
}

#[test]
fn a_rejected_token_is_not_returned_while_the_server_is_unreachable() {
    let (server, sandbox) = logged_in("");
    let host = format!("host={}", server.domain());
    git(&sandbox, "erase", &["protocol=http", &host]).ok();
    server.fault("/token", Reply::full(503, &[], ""));
    git(&sandbox, "get", &["protocol=http", &host]).fails(5);
    git(&sandbox, "get", &["protocol=http", &host]).ok();
}

#[test]
fn git_logs_in_only_for_an_interactive_user() {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    let host = format!("host={}", server.domain());
    let consents = std::mem::replace(&mut sandbox.system.browser, Arc::new(Never));
    let ask = |sandbox: &Sandbox| git(sandbox, "get", &["protocol=http", &host]);
    ask(&sandbox).fails(3).says("authctl login as");
    sandbox.is_watched();
    sandbox.environment.set("GIT_TERMINAL_PROMPT", "0");
    ask(&sandbox).fails(3);
    sandbox.environment.set("GIT_TERMINAL_PROMPT", "1");
    sandbox.system.browser = consents;
    let answer = ask(&sandbox).ok().says("Logged in to as as alice");
    assert!(answer.stdout.starts_with("username=oauth2\npassword="), "{answer}");
    assert_eq!(server.token_requests("authorization_code"), 1);
}
