//! The link that the browser is given, and who may use it (F-LEAK11, F-CB20).

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authctl::ports::peer::{Peer, Peers};
use url::Url;

use crate::support::browsers::{Given, Never, follow, redirect_of};
use crate::support::http::{exchange, get, location};
use crate::support::sandbox::{Output, server_config};
use crate::support::{AuthorizationServer, Sandbox};

/// Knows every client as somebody.
struct Everybody(Peer);

impl Peers for Everybody {
    fn user(&self, _: SocketAddr, _: SocketAddr) -> Peer {
        self.0
    }
}

/// Knows the connections that a story makes as another user, and all others as the user's own.
#[derive(Clone, Default)]
struct OtherUsers(Arc<Mutex<HashSet<u16>>>);

impl OtherUsers {
    /// A request of another user: the status, and the whole answer.
    fn get(&self, url: &Url) -> (u16, String) {
        let mut stream = TcpStream::connect(url.socket_addrs(|| None).unwrap()[0]).unwrap();
        self.0.lock().unwrap().insert(stream.local_addr().unwrap().port());
        write!(stream, "GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", target(url), host(url)).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
    }
}

impl Peers for OtherUsers {
    fn user(&self, other: SocketAddr, _: SocketAddr) -> Peer {
        if self.0.lock().unwrap().contains(&other.port()) { Peer::Other(4711) } else { Peer::Own }
    }
}

fn target(url: &Url) -> &str {
    &url[url::Position::BeforePath..]
}

fn host(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap(), url.port().unwrap())
}

/// Runs a command in a browser that does this with the link.
fn with_browser(
    sandbox: &mut Sandbox,
    arguments: &[&str],
    does: impl Fn(&Url) + Send + Sync + 'static,
) -> Output {
    // What fails in the browser fails the story.
    let failed = Arc::new(Mutex::new(false));
    let noted = Arc::clone(&failed);
    sandbox.system.browser = Arc::new(Given(Arc::new(move |link| {
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| does(&link)));
        *noted.lock().unwrap() |= run.is_err();
    })));
    let output = sandbox.run(arguments);
    assert!(!*failed.lock().unwrap(), "the browser's part of the story failed: {output}");
    output
}

fn says_nothing(link: &Url) {
    let path = link.path().trim_start_matches('/');
    assert!(path.len() == 43 && !path.contains('/'), "{link}");
    assert_eq!((link.scheme(), link.query(), link.fragment()), ("http", None, None), "{link}");
}

#[test]
fn the_one_time_link_only_works_for_a_navigation_f_leak11() {
    for redirect_uri in ["http://127.0.0.1/callback", "http://localhost/cb", "http://[::1]/cb"] {
        let server = AuthorizationServer::start();
        let more = format!("redirect_uri = \"{redirect_uri}\"");
        let mut sandbox = Sandbox::new(&server_config(&server.domain(), &more));
        sandbox.system.peers = Arc::new(Everybody(Peer::Own));
        let output = with_browser(&mut sandbox, &["login"], |link| {
            says_nothing(link);
            let address = link.socket_addrs(|| None).unwrap()[0];
            let _speculative = TcpStream::connect(address).unwrap();
            for (name, method, target, headers, want) in [
                ("an icon", "GET", "/favicon.ico", "", 404),
                ("a head", "HEAD", target(link), "", 405),
                ("a form", "POST", target(link), "", 405),
                ("a prefetch", "GET", target(link), "Sec-Purpose: prefetch;prerender\r\n", 503),
                ("an old prefetch", "GET", target(link), "X-Moz: prefetch\r\n", 503),
                ("an image", "GET", target(link), "Sec-Fetch-Dest: image\r\n", 403),
                ("another page", "GET", target(link), "Origin: https://evil.example\r\n", 403),
                ("a rebound name", "GET", target(link), "Host: evil.example\r\n", 421),
                ("a query", "GET", &format!("{}?x", target(link)), "", 404),
                ("a longer path", "GET", &format!("{}/", target(link)), "", 404),
            ] {
                let request = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", host(link));
                let (status, answer) = exchange(address, request.as_bytes()).unwrap();
                assert_eq!(status, want, "{name}");
                assert!(!answer.to_ascii_lowercase().contains("location:"), "{name}: {answer}");
            }
            // The user may reload the page.
            for _ in 0..3 {
                let (status, answer) = get(link).unwrap();
                assert_eq!(status, 303);
                for header in ["Cache-Control: no-store", "Referrer-Policy: no-referrer"] {
                    assert!(answer.contains(header), "{header}: {answer}");
                }
                let url = location(&answer).unwrap();
                for parameter in ["state", "code_challenge", "nonce"] {
                    assert!(url.query_pairs().any(|(name, _)| name == parameter), "{parameter}: {url}");
                }
            }
            assert_eq!(follow(link).unwrap().0, 200);
        });
        output.ok().says("Logged in to as");
    }
}

#[test]
fn logout_and_device_login_open_a_one_time_link_f_leak11() {
    let server = AuthorizationServer::start();
    for more in ["", "post_logout_redirect_uri = \"http://127.0.0.1/logged-out\""] {
        let mut sandbox = Sandbox::new(&server_config(&server.domain(), more));
        with_browser(&mut sandbox, &["login"], |link| drop(follow(link))).ok();
        with_browser(&mut sandbox, &["logout", "--end-session"], |link| {
            says_nothing(link);
            let (_, answer) = get(link).unwrap();
            let url = location(&answer).unwrap();
            assert!(url.query_pairs().any(|(name, _)| name == "id_token_hint"), "{url}");
            follow(&url);
        })
        .ok();
    }
    let mut sandbox = Sandbox::with_server(&server.domain());
    let code = format!("{}/enter?user_code=WDJB-MJHT", server.issuer());
    server.set(|behaviour| {
        drop(behaviour.device.insert("verification_uri_complete".to_owned(), code.as_str().into()));
        drop(behaviour.device.insert("interval".to_owned(), 1.into()));
    });
    let opened = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&opened);
    with_browser(&mut sandbox, &["login", "--device"], move |link| {
        says_nothing(link);
        *seen.lock().unwrap() = redirect_of(link);
    })
    .ok();
    assert_eq!(opened.lock().unwrap().take().unwrap().as_str(), code);
}

/// A browser that never opens the link leaves the user with the URL, and the id token on their own terminal alone.
#[test]
fn a_logout_whose_browser_does_nothing_prints_the_url() {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    sandbox.clock.skip_waits();
    let output = with_browser(&mut sandbox, &["logout", "--end-session"], |_| {}).ok();
    output
        .says("the browser did not open the link")
        .says("/end-session?")
        .says("when you open the URL above");
}

#[test]
fn another_user_can_neither_finish_nor_end_a_login_f_cb20() {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    let others = OtherUsers::default();
    sandbox.system.peers = Arc::new(others.clone());
    let output = with_browser(&mut sandbox, &["login"], move |link| {
        for _ in 0..3 {
            let (status, answer) = others.get(link);
            assert!(status == 403 && !answer.contains("authorize"), "{answer}");
        }
        let redirect = redirect_of(&redirect_of(link).unwrap()).unwrap();
        let (status, _) = others.get(&redirect);
        assert_eq!(status, 403, "the right answer, from somebody else");
        let refusal = redirect.as_str().replace("code=", "error=access_denied&x=");
        assert_eq!(others.get(&Url::parse(&refusal).unwrap()).0, 403, "a refusal from somebody else");
        assert_eq!(get(&redirect).unwrap().0, 200);
    });
    output
        .ok()
        .says("ignored a request from another user of this machine (uid 4711)")
        .says("Logged in to as");
    assert_eq!(server.token_requests("authorization_code"), 1);
}

#[test]
fn root_is_trusted_f_cb20() {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    sandbox.system.peers = Arc::new(Everybody(Peer::Root));
    with_browser(&mut sandbox, &["login"], |link| {
        assert_eq!(get(link).unwrap().0, 303);
        assert_eq!(follow(link).unwrap().0, 200);
    })
    .ok();
}

#[test]
fn the_link_works_once_if_its_user_is_unknown_f_cb20() {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    sandbox.system.peers = Arc::new(Everybody(Peer::Unknown));
    let once = with_browser(&mut sandbox, &["login"], |link| {
        let head = format!("HEAD {} HTTP/1.1\r\nHost: {}\r\n\r\n", target(link), host(link));
        let prefetch =
            format!("GET {} HTTP/1.1\r\nHost: {}\r\nPurpose: prefetch\r\n\r\n", target(link), host(link));
        let address = link.socket_addrs(|| None).unwrap()[0];
        assert_eq!(exchange(address, head.as_bytes()).unwrap().0, 405);
        assert_eq!(exchange(address, prefetch.as_bytes()).unwrap().0, 503);
        assert_eq!(follow(link).unwrap().0, 200);
    });
    once.ok();

    let twice = with_browser(&mut sandbox, &["login"], |link| {
        let first = redirect_of(link).unwrap();
        let (status, answer) = get(link).unwrap();
        assert!(status == 410 && !answer.contains("authorize"), "{answer}");
        assert_eq!(redirect_of(&first).and_then(|redirect| get(&redirect)), None, "the port is closed");
    });
    twice
        .fails(1)
        .says("was opened twice")
        .says("another user of this machine may have")
        .says("--no-browser");

    let device = with_browser(&mut sandbox, &["login", "--device"], |link| {
        redirect_of(link).unwrap();
        assert_eq!(get(link).unwrap().0, 410);
    });
    device.fails(1).says("was opened twice");

    let logout = with_browser(&mut sandbox, &["logout", "--end-session"], |link| {
        redirect_of(link).unwrap();
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(get(link).unwrap().0, 410);
    });
    assert!(logout.stderr.contains("was opened twice"), "{logout}");
}

/// Who sends a request and leaves at once is not known to the system any more; that must not make them count as unknown.
#[cfg(target_os = "linux")]
#[test]
fn closing_early_does_not_hide_the_user_f_cb20() {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    let output = with_browser(&mut sandbox, &["login"], |link| {
        let leave = |url: &Url, more: &str| {
            let mut stream = TcpStream::connect(url.socket_addrs(|| None).unwrap()[0]).unwrap();
            write!(stream, "GET {} HTTP/1.1\r\nHost: {}\r\n\r\n{more}", target(url), host(url)).unwrap();
        };
        for more in ["", "GET / HTTP/1.1\r\n"] {
            leave(link, more);
            leave(link, more);
        }
        let redirect = redirect_of(&redirect_of(link).unwrap()).unwrap();
        leave(&redirect, "");
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(get(&redirect).unwrap().0, 200);
    });
    output.ok().says("Logged in to as");
}

#[test]
fn without_a_browser_the_whole_url_is_printed() {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    sandbox.system.browser = Arc::new(Never);
    let output = sandbox.run(&["login", "--no-browser", "--timeout", "100ms"]).fails(1);
    assert!(output.stderr.contains(&format!("    {}/authorize?", server.issuer())), "{output}");
}

/// With the real program, real arguments and, as root, a real other user.
#[cfg(target_os = "linux")]
mod processes {
    use std::io::{BufRead as _, BufReader};
    use std::path::PathBuf;
    use std::process::{Child, Command, Stdio};

    use super::*;
    use crate::support::sandbox::set_mode;

    const BINARY: &str = env!("CARGO_BIN_EXE_authctl");

    /// A browser that notes its arguments.
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
        let child =
            start(&mut sandbox.binary(BINARY, &["logout", "as", "--end-session", "--browser", browser]));
        let url = redirect_of(&noted_link(&noted)).unwrap();
        let hint = url.query_pairs().find(|(name, _)| name == "id_token_hint").unwrap().1.into_owned();
        nobody_shows(&[&hint]);
        assert!(ends(child, 0).contains("The browser was sent to the server"));
    }

    /// Runs curl as another user: the status of the answer.
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
}
