//! The loopback port.

use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use super::login_after;
use crate::support::browsers::{Does, Never, redirect_of};
use crate::support::http::get;
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

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
