//! Timeouts, pasted redirects and signals.

use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use url::Url;

use crate::support::browsers::{Does, Never, redirect_of};
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn the_login_times_out_f_cb16() {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    sandbox.system.browser = Arc::new(Does(Arc::new(|_| {})));
    sandbox
        .run(&["login", "--timeout", "300ms"])
        .fails(1)
        .says("the browser did not return")
        .says("--no-browser");
    sandbox.run(&["token"]).fails(3);
}

#[test]
fn the_redirect_may_be_pasted_while_the_listener_waits_f_cb16() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    let typed = sandbox.input.terminal();
    let issuer = server.issuer();
    // The user can only type after the URL is printed, so the test reads it as the user would.
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
    sandbox.run(&["login"]).ok().says("this is not the address of this login").says("Logged in to as");
}

#[test]
fn without_a_browser_the_url_is_printed_f_cb16() {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    sandbox.system.browser = Arc::new(Never);
    let output = sandbox.run(&["login", "--no-browser", "--timeout", "100ms"]).fails(1);
    assert!(output.stderr.contains("Open this URL in a browser to log in at 127.0.0.1:"), "{output}");
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
