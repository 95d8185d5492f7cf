//! The link's responses, and when the URL is printed.

use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use authctl::ports::peer::Peer;

use super::{Everybody, host, says_nothing, target, with_browser};
use crate::support::browsers::{Never, follow, redirect_of};
use crate::support::http::{exchange, get, location};
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn the_one_time_link_works_only_for_a_navigation_f_leak11() {
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

/// If the browser never opens the link, the user gets the URL, and the ID token appears only on their terminal.
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
fn without_a_browser_the_whole_url_is_printed() {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    sandbox.system.browser = Arc::new(Never);
    let output = sandbox.run(&["login", "--no-browser", "--timeout", "100ms"]).fails(1);
    assert!(output.stderr.contains(&format!("    {}/authorize?", server.issuer())), "{output}");
}
