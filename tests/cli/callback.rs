//! What reaches the port of the redirect listener: forged redirects, web pages, stalled connections, malformed requests.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use url::Url;

use crate::support::browsers::{Does, Never, redirect_of};
use crate::support::http::{Reply, exchange, get};
use crate::support::sandbox::{Output, server_config};
use crate::support::{AuthorizationServer, Sandbox};

/// What a story does with the redirect that the browser would follow.
type Action = dyn Fn(&Url) + Send + Sync;

/// Logs in while `before` happens at the redirect's port; then the right redirect is followed.
fn login_after(before: Arc<Action>) -> (AuthorizationServer, Output, Vec<(u16, String)>) {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    let last = Arc::new(Mutex::new(Vec::new()));
    let answers = Arc::clone(&last);
    sandbox.system.browser = Arc::new(Does(Arc::new(move |url| {
        let redirect = redirect_of(&url).unwrap();
        before(&redirect);
        answers.lock().unwrap().extend(get(&redirect));
    })));
    let output = sandbox.run(&["login"]).ok();
    std::thread::sleep(Duration::from_millis(50));
    let last = last.lock().unwrap().clone();
    (server, output, last)
}

fn address(redirect: &Url) -> SocketAddr {
    redirect.socket_addrs(|| None).unwrap()[0]
}

fn request(redirect: &Url, method: &str, target: &str, headers: &str) -> Option<(u16, String)> {
    let address = address(redirect);
    let text = format!("{method} {target} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n");
    exchange(address, text.as_bytes())
}

fn target(redirect: &Url) -> String {
    format!("{}?{}", redirect.path(), redirect.query().unwrap())
}

/// F-CB4: one in four has the right `state` and a second one.
#[test]
fn fifty_forged_redirects_do_not_stop_the_real_one_f_cb2() {
    let (server, output, last) = login_after(Arc::new(|redirect| {
        for number in 0..50 {
            let forged = match number % 4 {
                0 => "/callback?code=attacker&state=wrong".to_owned(),
                1 => "/callback?code=attacker".to_owned(),
                2 => "/callback?error=access_denied&state=wrong".to_owned(),
                _ => format!("{}&state=again", target(redirect)),
            };
            assert_eq!(request(redirect, "GET", &forged, "").unwrap().0, 400, "{forged}");
        }
    }));
    assert_eq!(server.token_requests("authorization_code"), 1);
    assert!(
        output.stderr.contains("50 other requests came to the login's port and were ignored"),
        "{output}"
    );
    assert_eq!(last[0].0, 200);
}

#[test]
fn requests_that_are_not_navigations_are_refused_f_cb5_f_cb6_f_cb7_f_cb8_f_cb11() {
    login_after(Arc::new(|redirect| {
        let good = target(redirect);
        let host = address(redirect).to_string();
        for (name, method, target, headers, want) in [
            ("F-CB5 rebound name", "GET", good.as_str(), "Host: evil.example\r\n", 421),
            ("F-CB6 foreign origin", "GET", &good, "Origin: https://evil.example\r\n", 403),
            ("F-CB6 image", "GET", &good, "Sec-Fetch-Dest: image\r\n", 403),
            ("F-CB7 preflight", "OPTIONS", &good, "Access-Control-Request-Private-Network: true\r\n", 405),
            ("F-CB7 head", "HEAD", &good, "", 405),
            ("F-CB7 post", "POST", &good, "", 405),
            ("F-CB8 favicon", "GET", "/favicon.ico", "", 404),
            ("F-CB8 root", "GET", "/", "", 404),
            ("F-CB11 dots", "GET", "/x/../callback?code=a", "", 404),
            ("F-CB11 slashes", "GET", "//callback?code=a", "", 404),
            ("F-CB11 body", "GET", &good, "Content-Length: 5\r\n", 400),
            ("F-CB11 absurd body", "GET", &good, "Content-Length: 1152921504606846976\r\n", 400),
            ("F-CB11 chunked", "GET", &good, "Transfer-Encoding: chunked\r\n", 400),
            ("F-CB11 bad UTF-8", "GET", "/callback?code=%ff&state=%ff", "", 400),
            ("F-CB11 nul", "GET", "/callback?code=%00", "", 400),
        ] {
            let (status, answer) =
                request(redirect, method, target, headers).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(status, want, "{name}");
            assert!(!answer.to_ascii_lowercase().contains("access-control"), "{name}: no CORS headers");
            if want == 405 {
                assert!(answer.contains("Allow: GET"), "{name}");
            }
        }
        let address = address(redirect);
        let send = |text: String| exchange(address, text.as_bytes()).map(|(status, _)| status);
        assert_eq!(send(format!("GET {good} HTTP/1.1\r\n\r\n")), Some(421), "F-CB5 no host");
        assert_eq!(
            send(format!("GET {good} HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n\r\n")),
            Some(421),
            "F-CB5 two hosts"
        );
        assert_eq!(
            send(format!("GET http://{host}{good} HTTP/1.1\r\nHost: {host}\r\n\r\n")),
            Some(404),
            "F-CB5 absolute form"
        );
        let bomb = format!(
            "GET {good} HTTP/1.1\r\nHost: {host}\r\n{}\r\n",
            "X-Bomb: aaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(2000)
        );
        assert_eq!(send(bomb), Some(431), "F-CB11 header bomb");
        assert_eq!(
            send(format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(20_000))),
            Some(431),
            "F-CB11 long line"
        );
        assert_eq!(send("\u{16}\u{3}\u{1}\0\0".to_owned()), Some(400), "F-CB11 TLS");
    }));
}

#[test]
fn idle_and_slow_connections_do_not_block_the_redirect_f_cb10() {
    login_after(Arc::new(|redirect| {
        let idle: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(address(redirect)).unwrap()).collect();
        let mut slow = TcpStream::connect(address(redirect)).unwrap();
        slow.write_all(b"GET /callback?code=").unwrap();
        // They stay open while the right redirect comes.
        std::mem::forget((idle, slow));
    }));
}

/// No open redirector.
#[test]
fn the_redirect_counts_once_and_leads_nowhere_f_cb9_f_cb13() {
    let again = Arc::new(Mutex::new(None));
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    let seen = Arc::clone(&again);
    sandbox.system.browser = Arc::new(Does(Arc::new(move |url| {
        let redirect = redirect_of(&url).unwrap();
        let with_next = Url::parse(&format!("{redirect}&next=https://evil.example/")).unwrap();
        let first = get(&with_next).unwrap();
        assert!(
            !first.1.contains("evil.example") && !first.1.to_ascii_lowercase().contains("location:"),
            "{}",
            first.1
        );
        *seen.lock().unwrap() = Some(get(&redirect));
    })));
    sandbox.run(&["login"]).ok();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(
        again.lock().unwrap().take(),
        Some(None),
        "the port is closed: a second redirect finds nobody"
    );
    assert_eq!(server.token_requests("authorization_code"), 1);
}

#[test]
fn pages_are_static_and_locked_down_f_cb12_f_leak6() {
    let (_, _, last) = login_after(Arc::new(|_| {}));
    let page = &last[0].1;
    for header in [
        "Content-Type: text/html; charset=utf-8",
        "X-Content-Type-Options: nosniff",
        "Content-Security-Policy: default-src 'none'; style-src 'sha256-",
        "Referrer-Policy: no-referrer",
        "Cache-Control: no-store",
        "Connection: close",
    ] {
        assert!(page.contains(header), "{header}: {page}");
    }
    assert!(page.contains("You are logged in"), "{page}");
    assert!(!page.contains("canary"), "{page}");

    let mut pages = Vec::new();
    for error in ["access_denied", "server_error", "<script>alert(1)</script>"] {
        let server = AuthorizationServer::start();
        server.set(|behaviour| behaviour.refuses_with = Some(error.to_owned()));
        let mut sandbox = Sandbox::with_server(&server.domain());
        let page = Arc::new(Mutex::new(String::new()));
        let seen = Arc::clone(&page);
        sandbox.system.browser = Arc::new(Does(Arc::new(move |url| {
            *seen.lock().unwrap() = get(&redirect_of(&url).unwrap()).unwrap().1;
        })));
        let output = sandbox.run(&["login"]).fails(1);
        assert!(output.stderr.contains("\\u{1b}[31m"), "the server's text is escaped: {output}");
        assert!(!output.stderr.contains('\u{1b}'), "{output}");
        std::thread::sleep(Duration::from_millis(50));
        let page = page.lock().unwrap().clone();
        assert!(page.contains("HTTP/1.1 400") && !page.contains("script"), "{page}");
        pages.push(page.split("\r\n\r\n").nth(1).unwrap().to_owned());
        sandbox.run(&["token"]).fails(3);
    }
    assert!(pages[0].contains("You are not logged in"));
    assert!(pages[1].contains("The login failed"));
    assert_eq!(pages[1], pages[2], "the page is the same for every error");
}

#[test]
fn the_port_is_on_loopback_and_closes_after_the_login_f_cb1() {
    let port = Arc::new(Mutex::new(0));
    let seen = Arc::clone(&port);
    login_after(Arc::new(move |redirect| {
        *seen.lock().unwrap() = redirect.port().unwrap();
        let listening = std::process::Command::new("ss")
            .args(["-Hltn"])
            .output()
            .expect("ss is missing: run tests/setup");
        {
            let text = String::from_utf8_lossy(&listening.stdout).into_owned();
            let lines: Vec<&str> = text
                .lines()
                .filter(|line| line.contains(&format!(":{} ", redirect.port().unwrap())))
                .collect();
            assert!(
                lines.iter().all(|line| line.contains("127.0.0.1:") || line.contains("[::1]:")),
                "{lines:?}"
            );
        }
    }));
    assert!(TcpStream::connect(("127.0.0.1", *port.lock().unwrap())).is_err());
}

#[test]
fn a_taken_port_is_reported_before_a_browser_opens_f_cb14() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::new(&server_config(
        &server.domain(),
        &format!("redirect_uri = \"http://127.0.0.1:{port}/callback\""),
    ));
    sandbox.system.browser = Arc::new(Never);
    sandbox.run(&["login"]).fails(1).says(&format!("cannot listen on 127.0.0.1:{port}"));
}

/// The redirect is a literal address unless the configuration says `localhost`.
#[test]
fn localhost_is_listened_on_in_both_families_f_cb15() {
    let server = AuthorizationServer::start();
    let mut sandbox =
        Sandbox::new(&server_config(&server.domain(), "redirect_uri = \"http://localhost/cb\""));
    let families = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&families);
    sandbox.system.browser = Arc::new(Does(Arc::new(move |url| {
        let redirect = redirect_of(&url).unwrap();
        assert_eq!((redirect.host_str(), redirect.path()), (Some("localhost"), "/cb"));
        let port = redirect.port().unwrap();
        for address in ["127.0.0.1", "::1"] {
            seen.lock().unwrap().push(TcpStream::connect((address, port)).is_ok());
        }
        get(&redirect);
    })));
    sandbox.run(&["login"]).ok();
    let has_v6 = std::net::TcpListener::bind("[::1]:0").is_ok();
    assert_eq!(*families.lock().unwrap(), [true, has_v6]);
}

#[test]
fn the_login_times_out_f_cb16() {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    sandbox.system.browser = Arc::new(Does(Arc::new(|_| {})));
    sandbox.run(&["login", "--timeout", "300ms"]).fails(1).says("no redirect came").says("--no-browser");
    sandbox.run(&["token"]).fails(3);
}

#[test]
fn the_redirect_may_be_pasted_while_the_listener_waits_f_cb16() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    let typed = sandbox.input.terminal();
    let issuer = server.issuer();
    // What is typed can only be known when the URL is printed: the story plays the user, who reads it.
    let mut sandbox = sandbox;
    let sender = Mutex::new(typed);
    sandbox.system.browser = Arc::new(Does(Arc::new(move |url| {
        assert!(url.as_str().starts_with(&issuer));
        let redirect = redirect_of(&url).unwrap();
        let send =
            |text: String| sender.lock().unwrap().send(authctl::secret::SecretText::new(text)).unwrap();
        send("what?\n".to_owned());
        send(format!("{}&x=1\n", redirect.as_str().replace("state=", "state=x")));
        send(format!("{redirect}\n"));
    })));
    sandbox.run(&["login"]).ok().says("that is not the address of this login").says("Logged in to as");
}

#[test]
fn without_a_browser_the_url_is_printed_f_cb16() {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    sandbox.system.browser = Arc::new(Never);
    let output = sandbox.run(&["login", "--no-browser", "--timeout", "100ms"]).fails(1);
    assert!(output.stderr.contains("Open this URL in a browser:\n\n    http://127.0.0.1:"), "{output}");
}

#[test]
fn a_signal_closes_the_port_and_leaves_nothing_f_cb17() {
    for (signal, status) in [(2, 130), (15, 143), (1, 129)] {
        let server = AuthorizationServer::start();
        let mut sandbox = Sandbox::with_server(&server.domain());
        let port = Arc::new(Mutex::new(0));
        let (seen, signals) = (Arc::clone(&port), Arc::clone(&sandbox.signals.0));
        sandbox.system.browser = Arc::new(Does(Arc::new(move |url| {
            *seen.lock().unwrap() = redirect_of(&url).unwrap().port().unwrap();
            *signals.lock().unwrap() = Some(signal);
        })));
        sandbox.run(&["login"]).fails(status).says("interrupted");
        assert!(TcpStream::connect(("127.0.0.1", *port.lock().unwrap())).is_err());
        assert!(sandbox.stores_nothing(), "nothing is left behind");
    }
}

/// The issuer is known from metadata before the browser opens; B3 is not needed where `iss` is compared.
#[test]
fn a_response_from_another_issuer_is_rejected_f_cb18() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    for (name, metadata, issuer, refused) in [
        (
            "another issuer",
            None,
            Some("https://evil.example".to_owned()),
            Some("its `iss` is `https://evil.example`"),
        ),
        (
            "advertised and missing",
            Some(true),
            None,
            Some("names itself in its answer (`iss`), and the answer does not"),
        ),
        ("advertised and right", Some(true), Some(server.issuer()), None),
        ("unadvertised and missing", None, None, None),
    ] {
        server.set(|behaviour| {
            behaviour.redirect_issuer = issuer;
            behaviour
                .metadata
                .insert("authorization_response_iss_parameter_supported".to_owned(), metadata.into());
        });
        let before = server.requests_to("/token").len();
        let output = sandbox.run(&["login", "--refresh-metadata"]);
        match refused {
            Some(text) => {
                output.fails(1).says(text);
                assert_eq!(server.requests_to("/token").len(), before, "{name}: no token request");
            }
            None => drop(output.ok()),
        }
    }
}

/// F-CB22
#[test]
fn a_server_that_sends_its_issuer_must_still_do_so_while_its_metadata_cannot_be_fetched() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| {
        behaviour.metadata.insert("authorization_response_iss_parameter_supported".to_owned(), true.into());
        behaviour.redirect_issuer = None;
    });
    let issuer = server.issuer();
    // Everything is configured that a login needs, so that it goes on without metadata.
    let config = server_config(
        &server.domain(),
        &format!(
            "issuer = \"{issuer}\"\nauthorization_endpoint = \"{issuer}/authorize\"\ntoken_endpoint = \"{issuer}/token\"\njwks_uri = \"{issuer}/jwks\"\nid_token_signed_response_alg = \"ES256\"\n"
        ),
    );
    let failures = || {
        [
            Reply::full(503, &[], ""),
            Reply::full(200, &[("content-type", "text/html")], "<html>"),
            Reply::json(200, &serde_json::json!({ "issuer": 5 })),
            Reply::Drop,
        ]
    };
    let fails_to_publish = |reply: &Reply| {
        for path in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
            server.set(|behaviour| drop(behaviour.faults.remove(path)));
            server.fault(path, reply.clone());
        }
    };
    let missing = "names itself in its answer (`iss`), and the answer does not";
    let sandbox = Sandbox::new(&config);
    sandbox.run(&["login"]).fails(1).says(missing);
    for reply in failures() {
        for arguments in [&["login"][..], &["login", "--refresh-metadata"]] {
            // What is cached is too old to be used for anything else.
            sandbox.clock.advance(25 * 3600);
            fails_to_publish(&reply);
            sandbox.run(arguments).fails(1).says(missing);
        }
    }
    assert!(server.requests_to("/token").is_empty(), "no code was sent");

    // Nothing was ever known: the login goes on, and says what it does not know.
    let unknown = "does not know whether its answer must contain `iss`";
    for reply in failures() {
        fails_to_publish(&reply);
        Sandbox::new(&config).run(&["login"]).ok().says(unknown);
    }
    // A server that publishes nothing is nothing to speak of.
    fails_to_publish(&Reply::full(404, &[], ""));
    let output = Sandbox::new(&config).run(&["login"]).ok();
    assert!(!output.stderr.contains(unknown), "{output}");
    // An `iss` that is there is compared all the same.
    server.set(|behaviour| behaviour.redirect_issuer = Some("https://evil.example".to_owned()));
    fails_to_publish(&Reply::Drop);
    Sandbox::new(&config).run(&["login"]).fails(1).says("its `iss` is `https://evil.example`");
}

#[test]
fn the_code_is_sent_once_f_cb19() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    for reply in [
        crate::support::http::Reply::Drop,
        crate::support::http::Reply::full(503, &[], ""),
        crate::support::http::Reply::json(400, &serde_json::json!({ "error": "invalid_grant" })),
    ] {
        server.fault("/token", reply);
        let before = server.requests_to("/token").len();
        assert_ne!(sandbox.run(&["login"]).status, 0);
        assert_eq!(server.requests_to("/token").len(), before + 1);
    }
    let verifiers: std::collections::BTreeSet<_> =
        server.requests_to("/token").iter().map(|r| r.parameter("code_verifier")).collect();
    assert_eq!(verifiers.len(), 3, "every request has a fresh verifier");
}

#[test]
fn a_hostile_page_cannot_end_another_login_f_cb3() {
    let (server, _, _) = login_after(Arc::new(|redirect| {
        let mut stream = TcpStream::connect(address(redirect)).unwrap();
        let text =
            format!("GET /callback?error=access_denied HTTP/1.1\r\nHost: {}\r\n\r\n", address(redirect));
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }));
    assert_eq!(server.token_requests("authorization_code"), 1);
}

#[test]
fn real_signals_end_the_real_program_f_cb17() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    for (signal, status) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let mut child = sandbox
            .binary(env!("CARGO_BIN_EXE_authctl"), &["login", "--no-browser"])
            .stdin(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
        while !said.contains("/authorize?") {
            assert_ne!(std::io::BufRead::read_line(&mut stderr, &mut said).unwrap(), 0, "{said}");
        }
        let url = Url::parse(said.lines().find(|line| line.contains("/authorize?")).unwrap().trim()).unwrap();
        let redirect = url.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1.into_owned();
        let port = Url::parse(&redirect).unwrap().port().unwrap();
        std::thread::sleep(Duration::from_millis(100));
        assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
        let killed =
            std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        assert_eq!(child.wait().unwrap().code(), Some(status), "{signal}");
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
        assert!(sandbox.stores_nothing(), "nothing is left behind");
    }
}
