//! No process argument, file or descriptor holds the token.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use super::{Api, Ended, Story};
use crate::support::http::{Reply, Request, Server};

/// Searches every process's arguments and environment for the token while the request is served.
fn leaks(request: &Request) -> Vec<String> {
    let secret = request.header("authorization").unwrap().split(' ').next_back().unwrap().to_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(id) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        let environment = String::from_utf8_lossy(&environment).into_owned();
        if line.contains(&secret) || environment.contains(&secret) {
            found.push(format!("the token: {line}"));
        }
        // curl, with this very URL.
        if line.starts_with("curl ") && line.contains(&format!("http://{}", request.header("host").unwrap()))
        {
            found.push(format!("arguments: {line}"));
            found.extend(environment.split('\0').map(|variable| format!("variable: {variable}")));
            for descriptor in std::fs::read_dir(format!("/proc/{id}/fd")).unwrap().flatten() {
                let number = descriptor.file_name().into_string().unwrap();
                let target = std::fs::read_link(descriptor.path()).unwrap();
                found.push(format!("descriptor: {number} {}", target.display()));
            }
        }
    }
    found
}

#[test]
fn no_process_argument_environment_or_descriptor_holds_the_token_f_leak1_f_leak2_f_leak8() {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&seen);
    let story = Story::with(Server::start(move |request| {
        *log.lock().unwrap() = leaks(request);
        Reply::full(200, &[], "ok")
    }));
    // With and without a possible retry: authctl runs curl in two different ways.
    for more in [&["-s"][..], &["-s", "-D", "/dev/null"]] {
        let mut command = story.curl(&[more, &[&story.url("/x")]].concat());
        command.env("AUTHCTL_DEFAULT", "as").env("KEPT", "kept");
        Ended::from(command.output().unwrap()).is(0, "ok");
        let seen = seen.lock().unwrap().clone();
        let of =
            |kind: &str| -> Vec<&str> { seen.iter().filter_map(|line| line.strip_prefix(kind)).collect() };
        assert_eq!(of("the token: "), [""; 0], "{seen:#?}");
        assert_eq!(of("arguments: ").len(), 1, "curl was seen: {seen:#?}");
        assert!(of("arguments: ")[0].starts_with("curl -q "), "~/.curlrc is not read: {seen:#?}");
        let variables = of("variable: ");
        assert!(variables.contains(&"KEPT=kept"), "{variables:?}");
        let ours =
            |variable: &&str| variable.starts_with("AUTHCTL_") || variable.starts_with("CLIENT_SECRET");
        assert!(!variables.iter().any(ours), "{variables:?}");
        let home = story.sandbox.path("").display().to_string();
        let descriptors = of("descriptor: ");
        assert!(
            !descriptors.iter().any(|line| line.contains(&home)),
            "none of authctl's files: {descriptors:?}"
        );
        let sockets = descriptors.iter().filter(|line| line.contains("socket:")).count();
        assert!(sockets <= 3, "its connection and its own pair: {descriptors:?}");
    }
}

#[test]
fn curlrc_is_not_read_f_leak1() {
    let story = Story::new(&Api::default());
    story.sandbox.write(".curlrc", "header = \"X-Planted: yes\"\nverbose\n");
    let ended = story.run(&["-sS"], "/x");
    ended.is(0, "GET ");
    assert!(!ended.stderr.contains("access-canary"), "{}", ended.stderr);
    assert!(story.api.requests()[0].header("x-planted").is_none());
    // If the same file is read, the story notices.
    let mut plain = Command::new("curl");
    plain.args(["-sS", &story.url("/x")]).env("HOME", story.sandbox.path(""));
    plain.output().unwrap();
    assert_eq!(story.api.requests()[1].header("x-planted"), Some("yes"));
}

#[test]
fn header_files_are_read_by_authctl_and_hold_no_token_f_leak1() {
    let story = Story::new(&Api::default());
    let file = story.sandbox.write("headers", "X-One: 1\r\n\nX-Two: canary\n").display().to_string();
    let from_file = ["-s", "-H", &format!("@{file}"), &story.url("/x")];
    story.run(&["-s", "-H", &format!("@{file}")], "/x");
    let request = story.api.requests().pop().unwrap();
    assert_eq!((request.header("x-one"), request.header("x-two")), (Some("1"), Some("canary")));
    let piped = |lines: &str| {
        let mut command = story.curl(&["-s", "-H", "@-", &story.url("/x")]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    assert!(piped("X-Piped: yes\n").status.success());
    assert_eq!(story.api.requests().pop().unwrap().header("x-piped"), Some("yes"));
    let before = story.api.requests().len();
    for lines in
        ["Host: evil.example\n", "X-A: 1\nauthorization: Bearer mine\n", "x: 1\rHost: evil.example\n"]
    {
        let output = piped(lines);
        assert_eq!(output.status.code(), Some(2), "{lines:?}");
        story.sandbox.write("headers", lines);
        assert_eq!(story.curl(&from_file).output().unwrap().status.code(), Some(2), "{lines:?}");
    }
    assert_eq!(story.api.requests().len(), before, "nothing was sent");
}
