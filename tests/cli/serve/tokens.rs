//! Tokens from `serve`.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::Value;

use super::{BINARY, Running, error, login, socket};
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn from_not_logged_in_to_a_token_on_the_socket() {
    let server = AuthorizationServer::start();
    let sandbox =
        Sandbox::new(&server_config(&server.domain(), "\n[credentials.wrong]\ndomain = 7\njwt = \"x\"\n"));
    let running = Running::start(&sandbox, &["--socket", &socket(&sandbox), "-vv"]);
    assert_eq!(running.path("socket"), sandbox.path("sockets/s"));
    let (status, body) = running.get("/token/as", "");
    assert_eq!((status, error(&body).as_str()), (403, "login_required"));
    assert!(body.contains("authctl login as"), "{body}");
    for (target, want) in [
        ("/token/other", (404, "unknown_provider")),
        ("/token/wrong", (500, "config")),
        ("/token/as?nonsense=1", (400, "bad_request")),
        ("/nothing", (404, "not_found")),
        ("/computeMetadata/v1/", (404, "not_found")),
    ] {
        let (status, body) = running.get(target, "");
        assert_eq!((status, error(&body).as_str()), want, "{target}");
    }
    login(&sandbox);
    let (status, token) = running.get("/token/as", "");
    assert_eq!(status, 200, "the new login takes effect at once");
    assert!(token.ends_with('\n') && server.accepts(token.trim()), "{token}");
    let (_, whole) = running.exchange("GET /token/as HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(whole.contains("cache-control: no-store"), "{whole}");
    let (_, object) = running.get("/token/as", "Accept: application/json\r\n");
    assert_eq!(serde_json::from_str::<Value>(&object).unwrap()["access_token"], token.trim());
    assert_eq!(running.get("/token/as?format=header", "").1, format!("Authorization: Bearer {token}"));
    let url = format!("/headers/as?url={}/api", server.issuer());
    assert_eq!(running.get(&url, "").1, format!("Authorization: Bearer {token}"));
    assert_eq!(running.get("/headers/as?url=https://evil.example/", "").0, 400, "B8");
    let traced = format!("/headers/as?url={}/api&method=Trace", server.issuer());
    assert_eq!(running.get(&traced, "").0, 400, "F-SRV2");
    assert_eq!(running.get("/token/as?scope=repo+admin", "").0, 403, "more than was granted");

    sandbox.configure("store = \"file\"\n[credentials.new]\ndomain = \"x.example\"\njwt = \"another\"\n");
    assert_eq!(running.get("/token/new", ""), (200, "another\n".to_owned()), "an edit takes effect at once");
    assert_eq!(running.get("/token/as", "").0, 404);
    sandbox.configure("nonsense");
    assert_eq!(running.get("/token/new", "").0, 500);
    let said = running.end();
    assert!(said.contains("= GET /token/as: served"), "{said}");
    assert!(!said.contains("canary") && !said.contains(token.trim()), "F-LEAK3: {said}");
    assert!(!sandbox.path("sockets/s").exists(), "the socket is gone");
}

#[test]
fn twenty_requests_make_one_refresh_f_rot1() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.expires_in = Some(1));
    let sandbox = Sandbox::with_server(&server.domain());
    login(&sandbox);
    std::thread::sleep(Duration::from_millis(1100));
    server.set(|behaviour| {
        behaviour.expires_in = Some(3600);
        behaviour.pause = Duration::from_millis(200);
    });
    let running = Running::start(&sandbox, &["--socket", &socket(&sandbox)]);
    let answers: Vec<(u16, String)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..20)
            .map(|_| {
                scope.spawn(|| {
                    let path = running.ready["socket"].as_str().unwrap();
                    let mut stream = UnixStream::connect(path).unwrap();
                    stream.write_all(b"GET /token/as HTTP/1.0\r\n\r\n").unwrap();
                    let mut text = String::new();
                    stream.read_to_string(&mut text).unwrap();
                    (text[9..12].parse().unwrap(), text.split_once("\r\n\r\n").unwrap().1.to_owned())
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| *answer == (200, answers[0].1.clone())), "{answers:?}");
    assert_eq!(server.token_requests("refresh_token"), 1);
    assert!(!server.any_family_revoked());

    // Ending it during a refresh loses nothing.
    server.set(|behaviour| behaviour.pause = Duration::from_secs(1));
    sandbox.binary(BINARY, &["refresh", "as"]).output().unwrap();
    server.set(|behaviour| behaviour.expires_in = Some(1));
    sandbox.binary(BINARY, &["refresh", "as"]).output().unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    server.set(|behaviour| behaviour.expires_in = Some(3600));
    let before = server.token_requests("refresh_token");
    let mut stream = running.connect();
    stream.write_all(b"GET /token/as HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    while server.token_requests("refresh_token") == before {
        std::thread::sleep(Duration::from_millis(5));
    }
    running.end();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200"), "the pending request is answered: {text}");
    let output = sandbox.binary(BINARY, &["token", "as"]).output().unwrap();
    assert_eq!(text.split_once("\r\n\r\n").unwrap().1.as_bytes(), output.stdout, "and saved");
}
