//! Which requests the redirect listener accepts.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use url::Url;

use super::{address, login_after};
use crate::support::browsers::{Does, redirect_of};
use crate::support::http::{exchange, get};
use crate::support::{AuthorizationServer, Sandbox};

fn request(redirect: &Url, method: &str, target: &str, headers: &str) -> Option<(u16, String)> {
    let address = address(redirect);
    let text = format!("{method} {target} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n");
    exchange(address, text.as_bytes())
}

fn target(redirect: &Url) -> String {
    format!("{}?{}", redirect.path(), redirect.query().unwrap())
}

/// F-CB4: one in four has the correct `state` and a second one.
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
    assert!(output.stderr.contains("ignored 50 other requests to the login's port"), "{output}");
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
        // They stay open while the correct redirect arrives.
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
