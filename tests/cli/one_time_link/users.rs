//! Who may follow the link.

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authctl::ports::peer::{Peer, Peers};
use url::Url;

use super::{Everybody, host, target, with_browser};
use crate::support::browsers::{follow, redirect_of};
use crate::support::http::{exchange, get};
use crate::support::{AuthorizationServer, Sandbox};

/// Reports some of a story's connections as another user's, and all others as the user's own.
#[derive(Clone, Default)]
struct OtherUsers(Arc<Mutex<HashSet<u16>>>);

impl OtherUsers {
    /// Sends a request as another user: returns the status and the whole response.
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

/// The system no longer knows the user of a closed connection; that must not let another user through as unknown.
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
