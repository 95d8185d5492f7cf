//! Hostile and unusual responses of the token endpoint.

use std::time::Duration;

use serde_json::json;

use super::logged_in;
use crate::support::http::{Reply, Server};
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

/// Name, reply, and the error.
fn hostile_replies(target: &str) -> Vec<(&'static str, Reply, &'static str)> {
    let json = [("content-type", "application/json")];
    let gzip = [("content-type", "application/json"), ("content-encoding", "gzip")];
    let form = [("content-type", "application/x-www-form-urlencoded")];
    vec![
        (
            "endless",
            Reply::full(200, &json, format!("{{\"access_token\":\"{}", "a".repeat(2 << 20))),
            "larger than 1048576 bytes",
        ),
        (
            "truncated",
            Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"access".to_vec()),
            "connection broke",
        ),
        ("not HTTP", Reply::Raw(b"SSH-2.0-OpenSSH\r\n".to_vec()), "no response from"),
        ("html", Reply::full(200, &[("content-type", "text/html")], "<html>canary"), "`text/html`, 12 bytes"),
        ("no content", Reply::full(204, &[], ""), "status 204"),
        ("form", Reply::full(200, &form, "access_token=canary&token_type=bearer"), "not a JSON object"),
        ("byte order mark", Reply::full(200, &json, "\u{feff}{}"), "has no `access_token`"),
        (
            "twice",
            Reply::full(
                200,
                &json,
                "{\"access_token\":\"a\",\"access_token\":\"b\",\"token_type\":\"bearer\"}",
            ),
            "a duplicate member",
        ),
        ("deep", Reply::full(200, &json, "[".repeat(50_000)), "is nested too deeply"),
        ("gzip", Reply::full(200, &gzip, [0x1f, 0x8b, 8, 0]), "not a JSON object"),
        (
            "F-CTRL1",
            Reply::json(200, &json!({ "access_token": "a\nb", "token_type": "bearer" })),
            "outside printable ASCII",
        ),
        (
            "F-TT1",
            Reply::json(200, &json!({ "access_token": "canary", "token_type": "mac" })),
            "token type `mac`",
        ),
        ("O8", Reply::json(200, &json!({ "token_type": "bearer" })), "has no `access_token`"),
        ("F-REDIR 301", Reply::redirect(301, target), "never follows a redirect"),
        ("F-REDIR 302", Reply::redirect(302, target), "never follows a redirect"),
        ("F-REDIR 307", Reply::redirect(307, target), "never follows a redirect"),
        ("F-REDIR 308", Reply::redirect(308, target), "never follows a redirect"),
    ]
}

/// authctl follows no redirect, and rejects unknown token types (F-TT1) and tokens that no header can carry (F-CTRL1).
#[test]
fn hostile_responses_store_and_print_nothing_f_tt_f_size_f_redir() {
    let (server, sandbox) = logged_in();
    let elsewhere =
        Server::start(|_| Reply::json(200, &json!({ "access_token": "evil", "token_type": "bearer" })));
    for (name, reply, said) in hostile_replies(&format!("{}/?leak=1", elsewhere.url())) {
        sandbox.clock.advance(4000);
        // authctl retries after a lost response, so this one is sent twice.
        server.fault("/token", reply.clone()).fault("/token", reply);
        let output = sandbox.run(&["token"]);
        assert!(output.status != 0 && output.stdout.is_empty(), "{name}: {output}");
        assert!(output.stderr.contains(said), "{name}: {output}");
        assert!(!output.stderr.contains("canary") && !output.stderr.contains("leak"), "{name}: {output}");
        server.set(|behaviour| behaviour.faults.clear());
        sandbox.run(&["token"]).ok();
    }
    assert!(elsewhere.requests().is_empty(), "no redirect was followed");
}

#[test]
fn a_server_that_trickles_bytes_is_abandoned_f_size() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::new(&server_config(&server.domain(), "timeout = \"1s\""));
    sandbox.run(&["login"]).ok();
    sandbox.clock.advance(4000);
    for _ in 0..2 {
        server.fault("/token", Reply::Drip(b"HTTP/1.1 200 OK\r\n\r\n{".to_vec(), Duration::from_millis(50)));
    }
    sandbox.run(&["token"]).fails(5).says("took too long");
}

#[test]
fn tokens_of_16_kib_work() {
    let server = AuthorizationServer::start();
    let long = "x".repeat(16 * 1024);
    server.set(|behaviour| {
        drop(behaviour.token_members.insert("access_token".to_owned(), long.clone().into()))
    });
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    assert_eq!(sandbox.run(&["token"]).ok().text(), long);
}
