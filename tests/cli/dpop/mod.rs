//! Tokens bound to a key (RFC 9449).

mod login;
mod machines;
mod proofs;

use crate::support::authorization_server::jws::Jws;
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

fn home(server: &AuthorizationServer) -> Sandbox {
    server.set(|behaviour| behaviour.dpop = true);
    Sandbox::new(&server_config(&server.domain(), "use_dpop = true"))
}

fn proof(text: &str) -> Jws {
    Jws::parse(text).unwrap()
}

/// The headers for a GET of the server's API.
fn headers(sandbox: &Sandbox, server: &AuthorizationServer, more: &[&str]) -> Vec<(String, String)> {
    let url = format!("{}/api?x=1", server.issuer());
    let output = sandbox.run(&[&["headers", "--url", &url], more].concat()).ok();
    let lines = output.stdout.lines().map(|line| line.split_once(": ").unwrap());
    lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The status of a request to the API with these headers.
fn call(server: &AuthorizationServer, headers: &[(String, String)]) -> u16 {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let address = server.domain().parse().unwrap();
    let request = format!("GET /api?x=1 HTTP/1.1\r\nHost: {}\r\n{lines}\r\n", server.domain());
    crate::support::http::exchange(address, request.as_bytes()).unwrap().0
}
