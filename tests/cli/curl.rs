//! `authctl curl`: the real curl with the right headers, and the token in nobody's arguments.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::exec::login;
use crate::support::authorization_server::jws::Jws;
use crate::support::http::{Reply, Request, Server, certificates};
use crate::support::sandbox::{server_config, set_mode};
use crate::support::{AuthorizationServer, Sandbox};

const PROGRAM: &str = env!("CARGO_BIN_EXE_authctl");

/// A provider `as` with tokens that need no login, an API that takes them, and a home.
struct Story {
    server: AuthorizationServer,
    api: Server,
    sandbox: Sandbox,
}

/// The API's answers, by path; a token that is in `refused` is not taken.
#[derive(Clone, Default)]
struct Api {
    refused: Arc<Mutex<Vec<String>>>,
    large: Arc<Vec<u8>>,
}

const INVALID: &[(&str, &str)] = &[("WWW-Authenticate", "Bearer error=\"invalid_token\"")];

impl Api {
    fn answer(&self, request: &Request) -> Reply {
        let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let Some(token) = token else { return Reply::full(401, &[], "who are you?") };
        if self.refused.lock().unwrap().iter().any(|refused| refused == token) {
            return Reply::full(401, INVALID, "this token is not good");
        }
        match request.path() {
            "/large" => Reply::full(200, &[], self.large.to_vec()),
            "/missing" => Reply::full(404, &[], "nothing here"),
            "/scope" => Reply::full(
                403,
                &[("WWW-Authenticate", "Bearer error=\"insufficient_scope\"")],
                "not for you",
            ),
            "/always" => Reply::full(401, INVALID, "never"),
            "/drip" => {
                Reply::Drip(b"HTTP/1.1 200 OK\r\n\r\nthe beginning".to_vec(), Duration::from_millis(2))
            }
            _ => Reply::full(200, &[("X-Here", "yes")], format!("{} {}", request.method, request.body)),
        }
    }
}

impl Story {
    fn new(api: &Api) -> Self {
        let api = api.clone();
        Self::with(Server::start(move |request| api.answer(request)))
    }

    fn with(api: Server) -> Self {
        let server = AuthorizationServer::start();
        server.set(|behaviour| behaviour.client_secret = Some("s".to_owned()));
        let more = "grant_type = \"client_credentials\"\n_client_secret = { env = \"CLIENT_SECRET\" }\n";
        let config = server_config(&server.domain(), more);
        let hosts = format!("[credentials.as]\nhosts = [\"{}\"]", api.address());
        let sandbox = Sandbox::new(&config.replace("[credentials.as]", &hosts));
        Self { server, api, sandbox }
    }

    fn curl(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.binary(PROGRAM, &[&["curl", "as"], arguments].concat());
        command.env("CLIENT_SECRET", "s").stdin(Stdio::null());
        command
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.api.url())
    }

    /// Runs it with the URL behind the arguments.
    fn run(&self, arguments: &[&str], path: &str) -> Ended {
        Ended::from(self.curl(&[arguments, &[&self.url(path)]].concat()).output().unwrap())
    }

    /// The tokens that the API was shown, in order.
    fn shown(&self) -> Vec<String> {
        let requests = self.api.requests();
        requests.iter().map(|request| request.header("authorization").unwrap_or("none").to_owned()).collect()
    }

    fn tokens_got(&self) -> usize {
        self.server.token_requests("client_credentials")
    }
}

#[derive(Debug)]
struct Ended {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ended {
    #[track_caller]
    fn is(&self, status: i32, stdout: &str) -> &Self {
        assert_eq!((self.status, self.stdout.as_str()), (Some(status), stdout), "{}", self.stderr);
        self
    }

    #[track_caller]
    fn says(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "`{text}` is not in {}", self.stderr);
        self
    }
}

#[test]
fn curl_sends_the_headers_and_its_status_is_ours() {
    let story = Story::new(&Api::default());
    story.run(&["-sS"], "/x").is(0, "GET ");
    story.run(&["--", "-sS", "-X", "DELETE"], "/x").is(0, "DELETE ");
    story.run(&["-sS", "--json", "{}"], "/x").is(0, "POST {}");
    story.run(&["-sSi", "-d", "a=b"], "/x").is(0, &head("POST a=b"));
    story.run(&["-s", "-o", "/dev/null", "-w", "%{http_code}"], "/missing").is(0, "404");
    story.run(&["-sS", "-f"], "/missing").is(22, "").says("curl: (22)");
    story.run(&["-s"], "/scope").is(0, "not for you");
    assert_eq!(story.tokens_got(), 1, "only a token that is not good is renewed");
    assert!(story.shown().iter().all(|shown| shown == "Bearer access-canary-1"), "{:?}", story.shown());
    drop(story.api);
    let gone = story.sandbox.binary(PROGRAM, &["curl", "as", "-s", "http://127.0.0.1:9/x"]).output().unwrap();
    Ended::from(gone).is(1, "").says("none of the hosts of `as`");
}

fn head(body: &str) -> String {
    format!(
        "HTTP/1.1 200 X\r\nContent-Length: {}\r\nConnection: close\r\nX-Here: yes\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn a_host_that_does_not_answer_is_curls_to_report() {
    let story = Story::new(&Api::default());
    story.run(&["-s"], "/x").is(0, "GET ");
    let url = story.url("/x");
    let Story { server: _server, api, sandbox } = story;
    drop(api);
    let mut command = sandbox.binary(PROGRAM, &["curl", "as", "-sS", &url]);
    Ended::from(command.env("CLIENT_SECRET", "s").output().unwrap()).is(7, "").says("curl: (7)");
}

/// What stands in `/proc` of every process while the request is served.
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
    // With a second try possible and without: both ways of running it.
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
        assert!(!descriptors.iter().any(|line| line.contains(&home)), "no file of ours: {descriptors:?}");
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
    // The same file, read: the story would notice.
    let mut plain = Command::new("curl");
    plain.args(["-sS", &story.url("/x")]).env("HOME", story.sandbox.path(""));
    plain.output().unwrap();
    assert_eq!(story.api.requests()[1].header("x-planted"), Some("yes"));
}

/// F-LEAK9: the token is for the hosts of its provider.
#[test]
fn curl_sends_nothing_to_another_host_or_scheme() {
    let story = Story::new(&Api::default());
    let other = Server::start(|_| Reply::full(200, &[], "theirs"));
    let (ours, theirs) = (story.url("/x"), format!("{}/x", other.url()));
    let with_user = ours.replace("http://", "http://user:canary-password@");
    let socket = other.address().to_string();
    let connect = format!("{}:{socket}", story.api.address());
    for (name, arguments, status, says) in [
        ("another port", &[theirs.as_str()][..], 1, "none of the hosts of `as`"),
        ("another host", &["https://evil.example/x"], 1, "none of the hosts of `as`"),
        ("a longer name", &["https://127.0.0.1.evil.example/x"], 1, "none of the hosts"),
        ("a user in the URL", &[&with_user], 2, "has a user name or password"),
        ("a backslash", &["https://127.0.0.1\\.evil.example/"], 2, "does not belong in a URL"),
        ("two URLs", &[&ours, &theirs], 2, "there are 2 URLs"),
        ("another by option", &[&ours, "--next", &theirs], 2, "--next"),
        ("another place", &[&ours, "--connect-to", &connect], 2, "--connect-to"),
        ("no scheme", &["api.example.com/x"], 2, "write https://api.example.com/x"),
        ("another scheme", &["file:///etc/passwd"], 2, "not an"),
        ("shows the token", &["-v", &ours], 2, "it shows what is sent"),
        ("a proxy for http", &["-x", &socket, &ours], 2, "a proxy would see the token"),
        ("exceptions from it", &["--noproxy", "", &ours], 2, "a proxy would see the token"),
        ("a header of ours", &["-H", "Authorization: Bearer x", &ours], 2, "header authorization"),
        ("no URL", &["-s"], 2, "there is no URL"),
        ("a name for a provider", &[], 2, "there is no URL"),
    ] {
        let ended = Ended::from(story.curl(arguments).output().unwrap());
        ended.is(status, "").says(says);
        assert!(!ended.stderr.contains("canary-password"), "{name}");
    }
    let unknown = story.sandbox.binary(PROGRAM, &["curl", "https://x.example"]).output().unwrap();
    Ended::from(unknown).is(3, "").says("no login is known for https://x.example/");
    assert_eq!((story.api.requests().len(), other.requests().len(), story.tokens_got()), (0, 0, 0));

    // The environment's proxy is not asked either, and options that curl shares with authctl are curl's.
    let mut command = story.curl(&["--json", "{}", "-q", &ours]);
    command.env("http_proxy", other.url()).env("ALL_PROXY", other.url());
    Ended::from(command.output().unwrap()).is(0, "POST {}");
    assert!(other.requests().is_empty());
}

#[test]
fn a_token_of_an_https_provider_does_not_go_over_http() {
    let api = Server::start(|_| Reply::full(200, &[], "ok"));
    let sandbox =
        Sandbox::new(&format!("[credentials.a]\ndomain = \"{}\"\njwt = \"canary\"\n", api.address()));
    for command in [&["curl", "a"][..], &["headers", "a", "--url"]] {
        let url = format!("{}/x", api.url());
        let output = sandbox.binary(PROGRAM, &[command, &[&url]].concat()).output().unwrap();
        Ended::from(output).is(1, "").says("goes over https").says("write https");
    }
    assert!(api.requests().is_empty());
}

/// A proxy sees of https where it leads, and nothing of what goes there.
#[test]
fn an_https_proxy_does_not_see_the_token() {
    let proxy = Server::start(|_| Reply::full(502, &[], ""));
    let sandbox = Sandbox::new("[credentials.a]\ndomain = \"api.example\"\njwt = \"canary\"\n");
    let run = |more: &[&str], variable: Option<&str>| {
        let arguments = [&["curl", "a", "-sS", "https://api.example/x?y=z"], more].concat();
        let mut command = sandbox.binary(PROGRAM, &arguments);
        command.envs(variable.map(|variable| (variable, proxy.url())));
        command.output().unwrap().status.code()
    };
    assert_eq!(run(&["-x", &proxy.url()], None), Some(56));
    assert_eq!(run(&[], Some("https_proxy")), Some(56));
    let seen = proxy.requests();
    assert_eq!(seen.len(), 2);
    for request in seen {
        assert_eq!((request.method.as_str(), request.target.as_str()), ("CONNECT", "api.example:443"));
        assert!(request.header("authorization").is_none(), "{request:?}");
    }
}

#[test]
fn curl_over_tls_trusts_whom_the_user_says() {
    let (authority, tls) = certificates();
    let api = Server::start_tls(tls, |_| Reply::full(200, &[], "encrypted"));
    let sandbox =
        Sandbox::new(&format!("[credentials.a]\ndomain = \"{}\"\njwt = \"canary\"\n", api.address()));
    let file = sandbox.write("ca.pem", &authority);
    let url = format!("https://{}/x", api.address());
    let run = |more: &[&str]| {
        Ended::from(sandbox.binary(PROGRAM, &[&["curl", "a", "-sS", &url], more].concat()).output().unwrap())
    };
    run(&[]).is(60, "").says("curl: (60)");
    run(&["-k"]).is(2, "").says("whoever answers");
    run(&["--cacert", file.to_str().unwrap()]).is(0, "encrypted");
    assert_eq!(api.requests().len(), 1);
}

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
    // No other token to be had: the first answer is shown after all.
    let got = story.tokens_got();
    let refusal = Reply::json(400, &serde_json::json!({ "error": "invalid_grant" }));
    story.server.fault("/token", refusal);
    story.run(&["-s"], "/always").is(0, "never").says("the server refused the token (401)").says("no other");
    assert_eq!((story.api.requests().len(), story.tokens_got()), (5, got + 1));
    // Another reason than the token.
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
    ended.is(0, "not for you").says("wants more scopes for this (403): files:write");
    ended.says("add them to the scopes of `as` in the configuration");
    assert_eq!((story.api.requests().len(), story.tokens_got()), (1, 1));
    // A provider that is logged in to, and scopes that a shell would take for a command.
    for (scopes, hint) in [
        ("write", Some("`authctl login as --scope \"openid repo write\"` asks for them as well")),
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

/// What another process has renewed meanwhile is used, and not renewed again.
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

#[test]
fn standard_input_is_curls() {
    let story = Story::new(&Api::default());
    let piped = "0123456789abcdef".repeat(1 << 16);
    let mut command = story.curl(&["-sS", "-H", "Expect:", "--data-binary", "@-", &story.url("/x")]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(piped.as_bytes()).unwrap();
    Ended::from(child.wait_with_output().unwrap()).is(0, &format!("POST {piped}"));
}

#[test]
fn downloads_stream() {
    let large: Vec<u8> = (0..20_000_000_u32).map(|at| (at % 251) as u8).collect();
    let story = Story::new(&Api { large: Arc::new(large.clone()), ..Api::default() });
    let output = story.curl(&["-s", &story.url("/large")]).output().unwrap();
    assert!(output.status.success() && output.stdout == large, "{} bytes", output.stdout.len());

    // The beginning is there before the end, which never comes.
    let mut child = story.curl(&["-sN", &story.url("/drip")]).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut beginning = [0; 13];
    stdout.read_exact(&mut beginning).unwrap();
    assert_eq!(&beginning, b"the beginning");
    // When nobody reads any more, curl ends as it always does.
    drop(stdout);
    assert_eq!(child.wait().unwrap().code(), Some(23));

    // A signal for authctl is one for curl.
    let mut child = story.curl(&["-sN", &story.url("/drip")]).stdout(Stdio::piped()).spawn().unwrap();
    child.stdout.take().unwrap().read_exact(&mut beginning).unwrap();
    let began = Instant::now();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let status = child.wait().unwrap().code();
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(matches!(status, Some(143 | 23)), "{status:?}");
}

/// On a terminal curl shows no progress beside the answer, and no binary answer at all; and so it stays.
#[test]
fn on_a_terminal_curl_is_as_it_always_was() {
    let story = Story::new(&Api { large: Arc::new(b"text\0binary".to_vec()), ..Api::default() });
    let terminal = |arguments: &str, path: &str| {
        let command = story.curl(&[]);
        let mut terminal = Command::new("script");
        terminal.args([
            "-qec",
            &format!("exec {PROGRAM} curl as {arguments} {}", story.url(path)),
            "/dev/null",
        ]);
        terminal.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = terminal.current_dir(story.sandbox.path("work")).stdin(Stdio::null()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(terminal("", "/x"), (Some(0), "GET ".to_owned()));
    let (status, shown) = terminal("", "/large");
    assert_eq!(status, Some(1), "{shown}");
    assert!(shown.contains("the answer is binary") && !shown.contains("text"), "{shown}");
    assert_eq!(terminal("-o -", "/large"), (Some(0), "text\0binary".to_owned()));
    let (status, shown) = terminal("-o file", "/large");
    assert!(status == Some(0) && shown.contains("% Total"), "{shown}");
    assert_eq!(std::fs::read(story.sandbox.path("work/file")).unwrap(), b"text\0binary");
}

#[test]
fn a_header_that_is_larger_than_a_pipe() {
    let api = Server::start(|request| {
        Reply::full(200, &[], request.header("x-key").unwrap_or_default().len().to_string())
    });
    let key = "k".repeat(90_000);
    let sandbox = Sandbox::new("");
    let file = sandbox.write("key", &key);
    sandbox.configure(&format!(
        "[credentials.a]\ndomain = \"{}\"\nscheme = \"http\"\napi_key = {{ key = {{ file = \"{}\" }}, header = \"X-Key\", prefix = \"\" }}\n",
        api.address(),
        file.display()
    ));
    let url = format!("{}/x", api.url());
    let run = |more: &[&str]| {
        let arguments = [&["curl", "a", "-sS"], more, &[&url]].concat();
        Ended::from(sandbox.binary(PROGRAM, &arguments).output().unwrap())
    };
    run(&[]).is(0, "90000");
    run(&["-H", "x-key: mine"]).is(2, "").says("header x-key");
    run(&["-L"]).is(1, "").says("would take the header x-key along to another host");
    assert_eq!(api.requests().len(), 1);
}

#[test]
fn redirects_leave_the_token_behind() {
    let elsewhere = Server::start(|_| Reply::full(200, &[], "elsewhere"));
    let to = format!("http://localhost:{}/y", elsewhere.address().port());
    let story = Story::with(Server::start(move |request| match request.path() {
        "/away" => Reply::redirect(302, &to),
        "/near" => Reply::redirect(302, "/x"),
        "/refused" => Reply::redirect(302, "/invalid"),
        "/invalid" => Reply::full(401, INVALID, "refused"),
        _ => Reply::full(200, &[], "here"),
    }));
    story.run(&["-sL"], "/near").is(0, "here");
    story.run(&["-sL"], "/away").is(0, "elsewhere");
    assert!(elsewhere.requests()[0].header("authorization").is_none());
    assert_eq!(story.shown()[1], "Bearer access-canary-1", "the same host gets it");
    story.run(&["-sL"], "/refused").is(0, "refused");
    assert_eq!(story.tokens_got(), 1, "a refusal after a redirect is not of the request that was meant");
    story.run(&["-s"], "/near").is(0, "");

    // A curl that would take it along.
    let old = story.sandbox.write(
        "bin/curl",
        "#!/bin/sh\ntest \"$1\" = --version || exit 9\necho 'curl 7.74.0 (x) libcurl/7.74.0'\n",
    );
    set_mode(&old, 0o700);
    let mut command = story.curl(&["-sL", &story.url("/near")]);
    command.env("PATH", old.parent().unwrap());
    Ended::from(command.output().unwrap()).is(1, "").says("before version 7.83");
    let mut command = story.curl(&["-s", &story.url("/near")]);
    command.env("PATH", story.sandbox.path("nowhere"));
    Ended::from(command.output().unwrap()).is(127, "").says("cannot run curl: there is no such program");
}

/// A proof for the method and the URL that curl really sends; the server checks each one.
#[test]
fn curl_proves_each_request_and_uses_nonces() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| {
        behaviour.dpop = true;
        behaviour.dpop_nonces = Some(("as-nonce".to_owned(), "rs-nonce".to_owned()));
    });
    let sandbox = Sandbox::new(&server_config(&server.domain(), "use_dpop = true"));
    login(&sandbox);
    let run = |arguments: &[&str]| {
        let url = format!("{}/api?x=1", server.issuer());
        let arguments = [&["curl", "as"], arguments, &[&url]].concat();
        Ended::from(sandbox.binary(PROGRAM, &arguments).stdin(Stdio::null()).output().unwrap())
    };
    let ended = run(&["-sS"]);
    ended.is(0, "{\"hello\":\"alice\"}");
    assert_eq!(ended.stderr, "", "the first refusal is nobody's business");
    let proofs = || -> Vec<Jws> {
        server
            .requests_to("/api")
            .iter()
            .map(|request| Jws::parse(request.header("dpop").unwrap()).unwrap())
            .collect()
    };
    let [first, second] = &proofs()[..] else { panic!("two tries: {}", proofs().len()) };
    assert_eq!(
        (&first.claims["nonce"], &second.claims["nonce"]),
        (&serde_json::Value::Null, &"rs-nonce".into())
    );
    assert_ne!(first.claims["jti"], second.claims["jti"], "J6");
    assert_eq!(second.claims["htu"], format!("{}/api", server.issuer()), "no query");
    assert_eq!(server.token_requests("refresh_token"), 0, "a nonce needs no new token");

    for (arguments, says) in [
        (&["-L"][..], "a new proof for each request"),
        (&["--retry", "2"], "a new proof for each request"),
        (&["-H", "DPoP: x"], "header dpop"),
    ] {
        run(arguments).is(2, "").says(says);
    }
    assert_eq!(server.requests_to("/api").len(), 2);
    // One nonce and one renewal, and no more.
    let nonce = [("www-authenticate", "DPoP error=\"use_dpop_nonce\""), ("dpop-nonce", "another")];
    for _ in 0..2 {
        server.fault("/api", Reply::full(401, &nonce, "again"));
    }
    run(&["-sS"]).is(0, "again");
    assert_eq!(server.requests_to("/api").len(), 4);
    server.fault(
        "/api",
        Reply::full(
            401,
            &[("www-authenticate", "DPoP error=\"invalid_token\""), ("dpop-nonce", "rs-nonce")],
            "ended",
        ),
    );
    run(&["-sS"]).is(0, "{\"hello\":\"alice\"}");
    assert_eq!((server.requests_to("/api").len(), server.token_requests("refresh_token")), (6, 1));
}

#[test]
fn the_proof_has_curls_method() {
    let methods: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let log = Arc::clone(&methods);
    let api = Server::start(move |request| {
        let proof = Jws::parse(request.header("dpop").unwrap()).unwrap();
        let claimed = proof.claims["htm"].as_str().unwrap().to_owned();
        log.lock().unwrap().push((request.method.clone(), claimed));
        Reply::full(200, &[], "")
    });
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.dpop = true);
    let config = server_config(&server.domain(), "use_dpop = true");
    let hosts = format!("[credentials.as]\nhosts = [\"{}\"]", api.address());
    let sandbox = Sandbox::new(&config.replace("[credentials.as]", &hosts));
    login(&sandbox);
    let file = sandbox.write("file", "content");
    let file = file.to_str().unwrap();
    for (arguments, method) in [
        (&[][..], "GET"),
        (&["-I"], "HEAD"),
        (&["-d", "a"], "POST"),
        (&["--json", "{}"], "POST"),
        (&["-F", "a=b"], "POST"),
        (&["-T", file], "PUT"),
        (&["-G", "-d", "a"], "GET"),
        (&["-I", "-G", "-d", "a"], "HEAD"),
        (&["-XPATCH", "-d", "a"], "PATCH"),
        (&["-X", "OPTIONS"], "OPTIONS"),
        (&["-T", file, "-XPOST"], "POST"),
    ] {
        let url = format!("{}/x", api.url());
        let arguments = [&["curl", "as", "-sS", "-H", "Expect:"], arguments, &[&url]].concat();
        let output = sandbox.binary(PROGRAM, &arguments).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{arguments:?} {}", String::from_utf8_lossy(&output.stderr));
        let (sent, claimed) = methods.lock().unwrap().pop().unwrap();
        assert_eq!((sent.as_str(), claimed.as_str()), (method, method), "{arguments:?}");
    }
}
