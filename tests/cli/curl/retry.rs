//! A rejected token is refreshed, and the request sent once more.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use super::{Api, Ended, INVALID, PROGRAM, Story, head};
use crate::support::http::{Reply, Server};
use crate::support::sandbox::server_config;

#[test]
fn a_rejected_token_is_refreshed_once_and_the_rejection_hidden() {
    let api = Api::default();
    let story = Story::new(&api);
    story.run(&["-s"], "/x").is(0, "GET ");
    let output: PathBuf = story.sandbox.path("output");
    let out = output.to_str().unwrap();
    let data = story.sandbox.write("data", "from a file");
    let from_file = format!("@{}", data.display());
    for (name, arguments, status, stdout, file) in [
        ("to standard output", &["-s"][..], 0, "GET ".to_owned(), None),
        ("with its headers", &["-si"], 0, head("GET "), None),
        ("into a file", &["-s", "-o", out], 0, String::new(), Some("GET ")),
        (
            "into a file and a summary",
            &["-s", "-o", out, "-w", "%{http_code}"],
            0,
            "200".to_owned(),
            Some("GET "),
        ),
        ("a body", &["-s", "-d", "again"], 0, "POST again".to_owned(), None),
        ("a body of a file", &["-s", "--data-binary", &from_file], 0, "POST from a file".to_owned(), None),
        ("failing fast", &["-sf"], 0, "GET ".to_owned(), None),
        ("failing fast, with a word about it", &["-sSf"], 0, "GET ".to_owned(), None),
        ("nothing but the head", &["-sI"], 0, head("HEAD ").replace("HEAD ", ""), None),
    ] {
        let good = story.shown().last().unwrap().strip_prefix("Bearer ").unwrap().to_owned();
        api.refused.lock().unwrap().push(good.clone());
        let (before, got) = (story.api.requests().len(), story.tokens_got());
        let ended = story.run(arguments, "/x");
        assert_eq!((ended.status, &ended.stdout), (Some(status), &stdout), "{name}: {}", ended.stderr);
        assert_eq!(ended.stderr, "", "{name}");
        if let Some(content) = file {
            assert_eq!(std::fs::read_to_string(&output).unwrap(), content, "{name}");
        }
        let shown = story.shown().split_off(before);
        assert_eq!(shown.len(), 2, "{name}");
        assert_ne!(shown[0], shown[1], "{name}");
        assert_eq!(story.tokens_got(), got + 1, "{name}");
    }
}

#[test]
fn curl_retries_once_and_shows_the_last_response() {
    let story = Story::new(&Api::default());
    story.run(&["-s"], "/always").is(0, "never");
    assert_eq!((story.api.requests().len(), story.tokens_got()), (2, 2));
    let failed = story.run(&["-fsS"], "/always");
    failed.is(22, "").says("curl: (22)");
    assert_eq!(failed.stderr.lines().count(), 1, "said once: {}", failed.stderr);
    assert_eq!(story.api.requests().len(), 4);
    // No other token is available: the first response is shown.
    let got = story.tokens_got();
    let refusal = Reply::json(400, &serde_json::json!({ "error": "invalid_grant" }));
    story.server.fault("/token", refusal);
    story
        .run(&["-s"], "/always")
        .is(0, "never")
        .says("the server rejected the token (401)")
        .says("could not get a new one");
    assert_eq!((story.api.requests().len(), story.tokens_got()), (5, got + 1));
    // A rejection for another reason.
    let api = Server::start(|_| {
        Reply::full(401, &[("WWW-Authenticate", "Bearer error=\"invalid_request\"")], "another reason")
    });
    let story = Story::with(api);
    story.run(&["-s"], "/x").is(0, "another reason");
    assert_eq!((story.api.requests().len(), story.tokens_got()), (1, 1));
}

#[test]
fn an_insufficient_scope_response_is_explained_and_not_retried() {
    let named = |scopes: &str| {
        let header = format!("Bearer error=\"insufficient_scope\", scope=\"{scopes}\"");
        let api = Server::start(move |_| Reply::full(403, &[("WWW-Authenticate", &header)], "not for you"));
        Story::with(api)
    };
    let story = named("files:write \u{9b}2J");
    let ended = story.run(&["-s"], "/x");
    ended.is(0, "not for you").says("requires more scopes for this request (403): files:write");
    ended.says("add them to the scopes of `as` in the config file");
    assert_eq!((story.api.requests().len(), story.tokens_got()), (1, 1));
    // A provider with a login, and scopes that a shell would run as a command.
    for (scopes, hint) in [
        ("write", Some("run `authctl login as --scope \"openid repo write\"` to request them")),
        ("$(id)", None),
    ] {
        let story = named(scopes);
        let hosts = format!("[credentials.as]\nhosts = [\"{}\"]", story.api.address());
        let config = server_config(&story.server.domain(), "").replace("[credentials.as]", &hosts);
        story.sandbox.configure(&config);
        let token = std::fs::File::open(story.sandbox.write("token", "a-token")).unwrap();
        let mut login = story.sandbox.binary(PROGRAM, &["login", "--with-token"]);
        Ended::from(login.stdin(token).output().unwrap()).is(0, "");
        let ended = story.run(&["-s"], "/x");
        ended.is(0, "not for you").says(&format!("(403): {scopes}"));
        match hint {
            Some(hint) => drop(ended.says(hint)),
            None => assert!(!ended.stderr.contains("hint"), "{}", ended.stderr),
        }
    }
}

/// If another process has refreshed the token meanwhile, that token is used without another refresh.
#[test]
fn a_token_refreshed_meanwhile_is_used() {
    let sandbox: Arc<Mutex<Option<Command>>> = Arc::default();
    let renew = Arc::clone(&sandbox);
    let story = Story::with(Server::start(move |request| {
        if request.header("authorization") == Some("Bearer access-canary-1") {
            let output = renew.lock().unwrap().take().unwrap().output().unwrap();
            assert!(output.status.success());
            return Reply::full(401, INVALID, "old");
        }
        Reply::full(200, &[], "new")
    }));
    let mut command = story.sandbox.binary(PROGRAM, &["token", "as", "--refresh"]);
    command.env("CLIENT_SECRET", "s");
    *sandbox.lock().unwrap() = Some(command);
    story.run(&["-s"], "/x").is(0, "new");
    assert_eq!(story.shown(), ["Bearer access-canary-1", "Bearer access-canary-2"]);
    assert_eq!(story.tokens_got(), 2, "one for the start, and the other process's");
}

#[test]
fn an_unrepeatable_request_is_sent_once() {
    let story = Story::new(&Api::default());
    let fifo = story.sandbox.path("fifo");
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let reader = std::thread::spawn({
        let fifo = fifo.clone();
        move || std::fs::read(fifo).unwrap()
    });
    let headers = story.sandbox.path("headers");
    for (name, arguments, input, want) in [
        ("data from standard input", &["-s", "-d", "@-"][..], "piped", "never"),
        ("an upload from standard input", &["-s", "-T", "-"], "", "never"),
        ("a form from standard input", &["-s", "-F", "a=@-"], "piped", "never"),
        ("the user's own headers", &["-s", "-D", headers.to_str().unwrap()], "", "never"),
        ("output into a pipe", &["-s", "-o", fifo.to_str().unwrap()], "", ""),
        ("no overwriting", &["-s", "--no-clobber", "-o", "new"], "", ""),
    ] {
        let before = story.api.requests().len();
        let mut command = story.curl(&[arguments, &[&story.url("/always")]].concat());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = Ended::from(child.wait_with_output().unwrap());
        output.is(0, want);
        assert_eq!(story.api.requests().len(), before + 1, "{name}");
    }
    assert_eq!(reader.join().unwrap(), b"never");
    assert!(std::fs::read_to_string(headers).unwrap().starts_with("HTTP/1.1 401"));
    assert_eq!(story.tokens_got(), 1);
}
