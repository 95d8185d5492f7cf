//! The pages that the browser sees.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{address, login_after};
use crate::support::browsers::{Does, redirect_of};
use crate::support::http::get;
use crate::support::{AuthorizationServer, Sandbox};

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
    assert!(pages[1].contains("Login failed"));
    assert_eq!(pages[1], pages[2], "the page is the same for every error");
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
