//! The browser and the URL that is shown.

use std::sync::{Arc, Mutex};

use crate::support::browsers::{Absent, Does, follow};
use crate::support::http::Reply;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn without_a_visible_browser_the_address_is_printed() {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    let absent = Arc::new(Absent::default());
    sandbox.system.browser = absent.clone();
    sandbox.run(&["login", "--timeout", "50ms"]).fails(1).says("Open this URL in a browser");
    assert_eq!(*absent.0.lock(), 0, "a browser that the user would not see is not opened");
}

#[test]
fn the_page_waits_for_the_result_of_the_login() {
    // The token endpoint fails after the redirect: the browser shows a failure, not a success.
    let server = AuthorizationServer::start();
    server.fault("/token", Reply::full(500, &[], ""));
    let mut sandbox = Sandbox::with_server(&server.domain());
    let page = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&page);
    sandbox.system.browser = Arc::new(Does(Arc::new(move |url| {
        *seen.lock().unwrap() = follow(&url);
    })));
    sandbox.run(&["login"]).fails(5);
    std::thread::sleep(std::time::Duration::from_millis(100));
    let (status, page) = page.lock().unwrap().clone().unwrap();
    assert!(status == 400 && page.contains("Login failed"), "{page}");
}

#[test]
fn a_hostile_authorization_endpoint_is_neither_printed_nor_opened_f_url1_f_url2() {
    for endpoint in [
        "https://as.example/$(calc.exe)",
        "http://www.example.com/$(calc.exe)",
        "a:$(calc.exe)",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://as.example/\u{1b}[31m",
        "https://as.example/%PATH%",
        "https://user@as.example/",
        "http://169.254.169.254/latest",
        "https://169.254.169.254/latest",
        "https://10.0.0.1/authorize",
        "--remote-debugging-port=1",
    ] {
        let server = AuthorizationServer::start();
        server.set(|behaviour| {
            drop(behaviour.metadata.insert("authorization_endpoint".to_owned(), endpoint.into()))
        });
        let mut sandbox = Sandbox::with_server(&server.domain());
        sandbox.system.browser = Arc::new(crate::support::browsers::Never);
        let output =
            sandbox.run(&["login"]).fails(1).says("the server supplied a URL that authctl refuses to use");
        assert!(!output.stderr.contains("Open this URL") && !output.stderr.contains('\u{1b}'), "{output}");
    }
}
