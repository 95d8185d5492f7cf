//! The proxy forwards requests to one host.

use super::{BINARY, error, key_config, proxy};
use crate::support::Sandbox;
use crate::support::http::{Reply, Server};

/// The upstream server.
fn upstream() -> Server {
    Server::start(|request| match request.path() {
        "/redirect" => Reply::redirect(302, "http://127.0.0.1:9/elsewhere"),
        _ => Reply::full(
            201,
            &[("x-theirs", "1"), ("keep-alive", "timeout=5"), ("x-hop", "1"), ("connection", "x-hop")],
            request.body.clone(),
        ),
    })
}

/// Requests that the proxy rejects: what is wrong, the head, the status.
fn rejected(host: &str, auth: &str) -> Vec<(&'static str, String, u16)> {
    vec![
        ("no capability", format!("GET / HTTP/1.1\r\nHost: {host}\r\n"), 401),
        (
            "the key itself",
            format!("GET / HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer canary-key\r\n"),
            401,
        ),
        ("another host", format!("GET http://evil.example/ HTTP/1.1\r\nHost: {host}\r\n{auth}"), 421),
        ("another Host", format!("GET / HTTP/1.1\r\nHost: evil.example\r\n{auth}"), 421),
        ("a page", format!("GET / HTTP/1.1\r\nHost: {host}\r\n{auth}Origin: http://x\r\n"), 403),
        ("upwards", format!("GET /a/../b HTTP/1.1\r\nHost: {host}\r\n{auth}"), 400),
        ("upwards, escaped", format!("GET /a/%2e%2e/b HTTP/1.1\r\nHost: {host}\r\n{auth}"), 400),
        ("a tunnel", format!("CONNECT evil.example:443 HTTP/1.1\r\nHost: {host}\r\n{auth}"), 421),
        ("another protocol", format!("GET / HTTP/1.1\r\nHost: {host}\r\n{auth}Upgrade: websocket\r\n"), 501),
        // F-SRV2
        ("an echo", format!("TRACE / HTTP/1.1\r\nHost: {host}\r\n{auth}"), 501),
        ("an echo in other letters", format!("tRaCe / HTTP/1.1\r\nHost: {host}\r\n{auth}"), 501),
        ("an echo of IIS", format!("TRACK / HTTP/1.1\r\nHost: {host}\r\n{auth}"), 501),
        ("a tunnel in other letters", format!("connect / HTTP/1.1\r\nHost: {host}\r\n{auth}"), 501),
        (
            "an echo by a header",
            format!("POST / HTTP/1.1\r\nHost: {host}\r\n{auth}X-HTTP-Method-Override: TRACE\r\n"),
            501,
        ),
        (
            "an echo by the second of two headers",
            format!(
                "POST / HTTP/1.1\r\nHost: {host}\r\n{auth}X-Method-Override: PUT\r\nX-Method-Override: track\r\n"
            ),
            501,
        ),
        (
            "two lengths",
            format!("POST / HTTP/1.1\r\nHost: {host}\r\n{auth}Content-Length: 1\r\nContent-Length: 2\r\n"),
            400,
        ),
        (
            "another coding",
            format!("POST / HTTP/1.1\r\nHost: {host}\r\n{auth}Transfer-Encoding: chunked, x\r\n"),
            400,
        ),
    ]
}

/// F-LEAK9: one provider, one host.
#[test]
fn the_proxy_forwards_to_one_host_and_replaces_the_credential() {
    let beyond = upstream();
    let sandbox = Sandbox::new(&key_config(&beyond.address().to_string(), "hosts = [\"127.0.0.1:9\"]"));
    let running = proxy(&sandbox, &["-vv"]);
    let (host, capability) = (running.host(), running.capability());
    let (status, text) = running.exchange(&format!(
        "POST /a%2Fb//c?d=%20e HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {capability}\r\nProxy-Authorization: x\r\nDPoP: x\r\nX-Own: 1\r\nX-Hop: 1\r\nTE: trailers\r\nConnection: close, x-hop\r\nContent-Length: 5\r\n\r\nhello"
    ));
    assert_eq!(status, 201, "{text}");
    assert!(text.ends_with("hello") && text.contains("x-theirs: 1"), "{text}");
    assert!(!text.contains("x-hop") && !text.contains("keep-alive"), "{text}");
    let seen = beyond.requests().remove(0);
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/a%2Fb//c?d=%20e"));
    assert_eq!(seen.header("authorization"), Some("Bearer canary-key"));
    assert_eq!(seen.header("host"), Some(beyond.address().to_string().as_str()));
    assert_eq!((seen.header("content-length"), seen.header("transfer-encoding")), (Some("5"), None));
    assert_eq!(seen.header("x-own"), Some("1"));
    for gone in ["dpop", "proxy-authorization", "te", "x-hop"] {
        assert_eq!(seen.header(gone), None, "{gone}");
    }
    // F-REDIR: the client gets the redirect.
    let (status, _) = running.get("/redirect", "");
    assert_eq!(status, 302);
    assert_eq!(running.get("//evil.example/x", "").0, 201, "a path, and no host");
    assert_eq!(beyond.requests().last().unwrap().target, "//evil.example/x");
    let said = running.end();
    assert!(!said.contains("canary") && !said.contains(&capability), "{said}");
}

#[test]
fn the_proxy_rejects_other_hosts_and_unsafe_requests_f_leak9_f_srv2() {
    let beyond = upstream();
    let sandbox = Sandbox::new(&key_config(&beyond.address().to_string(), ""));
    let running = proxy(&sandbox, &["-vv"]);
    let (host, capability) = (running.host(), running.capability());
    for (name, head, want) in rejected(&host, &format!("Authorization: Bearer {capability}\r\n")) {
        let (status, text) = running.exchange(&format!("{head}Connection: close\r\n\r\n"));
        assert_eq!(status, want, "{name}: {text}");
    }
    assert!(beyond.requests().is_empty(), "the proxy forwarded none of them");
    let said = running.end();
    assert!(!said.contains("canary") && !said.contains(&capability), "{said}");
}

#[test]
fn the_proxy_keeps_to_the_host_it_was_started_for_f_leak9() {
    let beyond = upstream();
    let sandbox = Sandbox::new(&key_config(&beyond.address().to_string(), "hosts = [\"127.0.0.1:9\"]"));
    let running = proxy(&sandbox, &["-vv"]);
    sandbox.configure(&key_config("moved.example", ""));
    assert_eq!(running.get("/", "").0, 500, "the configuration has another host now");
    let (capability, said) = (running.capability(), running.end());
    assert!(!said.contains("canary") && !said.contains(&capability), "{said}");
    let output =
        sandbox.binary(BINARY, &["serve", "--proxy", "k", "--host", "evil.example"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    sandbox.configure(&key_config("127.0.0.1:9", ""));
    let running = proxy(&sandbox, &[]);
    let (status, body) = running.get("/", "");
    assert_eq!((status, error(&body).as_str()), (502, "unreachable"));
}

/// A body with both framings is read as RFC 9112 section 6.3 says, and forwarded with one; the connection is closed.
#[test]
fn a_smuggled_request_is_forwarded_as_a_body() {
    let beyond = Server::start(|_| Reply::full(200, &[], "ok"));
    let sandbox = Sandbox::new(&key_config(&beyond.address().to_string(), ""));
    let running = proxy(&sandbox, &[]);
    let auth = format!("Host: {}\r\nAuthorization: Bearer {}\r\n", running.host(), running.capability());
    for framing in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    ] {
        let before = beyond.requests().len();
        let (_, text) = running.exchange(&format!(
            "POST /first HTTP/1.1\r\n{auth}{framing}\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n{auth}\r\n"
        ));
        assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{text}");
        let seen = beyond.requests().split_off(before);
        assert!(seen.iter().all(|request| request.target == "/first"), "{seen:?}");
        assert!(seen.iter().all(|request| request.header("content-length").is_none()), "{seen:?}");
    }
}
