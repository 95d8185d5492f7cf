//! The user consents on another device: device codes (RFC 8628) and backchannel authentication (CIBA).

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use serde_json::json;

use super::{home, oauth, op, user_of};
use crate::parts::{Ended, Home, OidcProvider, folder, node, wait_until};

/// A waiting login and its output so far.
struct Waiting {
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
    said: String,
}

impl Waiting {
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut command = home.command(&[&["login"], arguments].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr, said: String::new() }
    }

    /// The first result of `find` in the following lines.
    fn next<T>(&mut self, find: impl Fn(&str) -> Option<T>) -> T {
        loop {
            let mut line = String::new();
            assert!(self.stderr.read_line(&mut line).unwrap() > 0, "it ended: {}", self.said);
            self.said += &line;
            if let Some(found) = find(line.trim()) {
                return found;
            }
        }
    }

    /// The address and the code that the user is shown.
    fn codes(&mut self) -> (String, String) {
        let address = self.next(|line| line.starts_with("http").then(|| line.to_owned()));
        let code = self.next(|line| Some(line.strip_prefix('│')?.strip_suffix('│')?.trim().to_owned()));
        (address, code)
    }

    fn end(mut self) -> Ended {
        self.stderr.read_to_string(&mut self.said).unwrap();
        let mut ended = Ended::from(self.child.wait_with_output().unwrap());
        ended.stderr = self.said;
        ended
    }
}

/// The user's browser, on another device.
fn walk(arguments: &[&str], deny: bool) {
    let mut command = Command::new(node());
    command.arg(folder().join("walk.mjs")).args(arguments);
    if deny {
        command.env("DENY", "1");
    }
    assert!(command.status().unwrap().success() || deny);
}

/// When requests to a path arrived, in milliseconds since the first request to another path.
fn times(server: &OidcProvider, since: &str, path: &str) -> Vec<i64> {
    let at = |path: &str| -> Vec<i64> {
        server.requests_to(path).iter().map(|entry| entry["at"].as_i64().unwrap()).collect()
    };
    let start = at(since)[0];
    at(path).iter().map(|time| time - start).collect()
}

#[test]
fn a_device_code_is_entered_in_another_browser() {
    let server = OidcProvider::start(3600);
    let home = home(&[op(&server, "")]);
    let mut login = Waiting::start(&home, &["op", "--device", "--no-browser"]);
    let (address, code) = login.codes();
    assert_eq!(address, format!("{}/device", server.issuer));
    walk(&[&address, &code], false);
    let login = login.end().ok().says("Logged in to op as alice");
    assert_eq!(user_of(&server, &home.run(&["token"]).ok()), "alice");
    assert!(home.run(&["whoami"]).ok().stdout.contains("The user alice"));
    assert_eq!(user_of(&server, &home.run(&["token", "--refresh"]).ok()), "alice");

    let polls = server.requests_to("/token");
    let poll = &polls[0];
    assert_eq!(poll["grant"], "urn:ietf:params:oauth:grant-type:device_code");
    assert_eq!(super::names(poll), ["client_id", "device_code", "grant_type"], "D3");
    let device_code = poll["parameters"]["device_code"].as_str().unwrap();
    assert!(!login.stderr.contains(device_code), "D10");
    let first = times(&server, "/device/auth", "/token")[0];
    assert!((4900..8000).contains(&first), "this server names no interval, so 5 seconds, not {first} ms");
}

#[test]
fn the_complete_verification_uri_and_the_servers_interval_are_used() {
    let server = OidcProvider::with(&json!({ "interval": 1 }));
    let home = home(&[op(&server, "grant_type = \"device_code\"\n").replace("extra_params", "token_params")]);
    server.fault(r#"{"drop":true}"#);
    server.fault(r#"{"status":400,"body":{"error":"slow_down"}}"#);
    let login = home.login("walk.mjs", &["op"]).ok().says("Logged in to op as alice");
    let asked = server.requests_to("/device/auth");
    assert_eq!(asked.len(), 1, "one code for the whole login");
    assert!(login.stderr.contains("and enter this code"), "though the browser has it: {login:#?}");
    let polls = times(&server, "/device/auth", "/token");
    let gaps: Vec<i64> = [0].iter().chain(&polls).zip(&polls).map(|(from, to)| to - from).collect();
    for (name, gap, least) in [
        ("the server's second", gaps[0], 900),
        ("twice that after a lost connection", gaps[1], 1900),
        ("five more after slow_down", gaps[2], 5900),
    ] {
        assert!((least..least + 1500).contains(&gap), "{name}: {gap} ms of {gaps:?}");
    }
    assert_eq!(gaps.len(), 3, "{gaps:?}");
}

#[test]
fn a_user_who_denies_access_ends_the_login() {
    let server = OidcProvider::with(&json!({ "interval": 1 }));
    let home = home(&[op(&server, "")]);
    let mut login = Waiting::start(&home, &["--device", "--no-browser"]);
    let (address, code) = login.codes();
    wait_until("a poll", || server.requests_to("/token").iter().any(|poll| poll["status"] == 400));
    walk(&[&address, &code], true);
    login.end().fails(1).says("access_denied");
    let polls = server.requests_to("/token").len();
    home.run(&["token"]).fails(3);
    assert_eq!(server.requests_to("/token").len(), polls, "polling has stopped");
}

#[test]
fn ciba_the_user_approves_on_a_device_that_the_server_knows() {
    let server = OidcProvider::with(&json!({ "interval": 1, "clients": [{
        "client_id": "till", "client_secret": "till-secret-0123456789", "backchannel_token_delivery_mode": "poll",
        "grant_types": ["urn:openid:params:grant-type:ciba", "refresh_token"],
    }] }));
    let home = home(&[oauth(
        "till",
        &server,
        "grant_type = \"ciba\"\nclient_id = \"till\"\n_client_secret = \"till-secret-0123456789\"\nscopes = [\"openid\", \"offline_access\"]\nlogin_hint = \"bob\"\n",
    )]);
    let mut login = Waiting::start(&home, &["till"]);
    let message =
        login.next(|line| Some(line.split_once("the message ")?.1.trim_end_matches('.').to_owned()));
    wait_until("a poll", || server.requests_to("/token").iter().any(|poll| poll["status"] == 400));
    let asked = server.control("asked", None);
    assert_eq!(
        asked,
        json!([{ "user": "bob", "message": message }]),
        "the same binding message on both devices"
    );
    server.control("approve", Some("{}"));
    login.end().ok().says("Logged in to till as bob");
    assert_eq!(user_of(&server, &home.run(&["token"]).ok()), "bob");
    assert_eq!(user_of(&server, &home.run(&["token", "--refresh"]).ok()), "bob");
    assert_eq!(server.token_requests("refresh_token"), 1);
}
