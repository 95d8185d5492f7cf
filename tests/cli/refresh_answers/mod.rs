//! The consequences of an invalid response to a refresh (F-ROT10). The server rotates refresh tokens and revokes the whole
//! login when an old one is reused. One of its responses is wrong; after that the server is healthy again.

mod rules;
mod table;

use serde_json::{Value, json};

use crate::support::http::Reply;
use crate::support::{AuthorizationServer, Sandbox};

/// The result of the next refresh.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Login {
    /// The new refresh token was saved: the login still works.
    Kept,
    /// The new refresh token never arrived, and authctl reports that this may be so.
    Unresolved,
}

type Case = (&'static str, Login, fn(&AuthorizationServer));

fn logged_in() -> (AuthorizationServer, Sandbox) {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    (server, sandbox)
}

/// Changes the next answer of the token endpoint as JSON.
fn change(server: &AuthorizationServer, change: impl FnOnce(&mut Value) + Send + 'static) {
    server.rewrite("/token", |reply| {
        let Reply::Full { status, headers, body } = reply else { panic!("{reply:?}") };
        let mut answer = serde_json::from_slice(&body).unwrap();
        change(&mut answer);
        Reply::Full { status, headers, body: answer.to_string().into_bytes() }
    });
}

fn set(server: &AuthorizationServer, member: &'static str, value: Value) {
    change(server, move |answer| answer[member] = value);
}

/// Changes the bytes and the status of the next answer of the token endpoint.
fn damage(server: &AuthorizationServer, change: impl FnOnce(&mut u16, &mut Vec<u8>) + Send + 'static) {
    server.rewrite("/token", |reply| {
        let Reply::Full { mut status, headers, mut body } = reply else { panic!("{reply:?}") };
        change(&mut status, &mut body);
        Reply::Full { status, headers, body }
    });
}

fn replace(server: &AuthorizationServer, status: u16, body: &'static str) {
    server.lose("/token", Reply::full(status, &[], body));
}

fn claims(server: &AuthorizationServer, claims: &Value) {
    server.set(|behaviour| {
        behaviour.id_token_on_refresh = true;
        behaviour.claims = claims.as_object().unwrap().clone();
    });
}

const CASES: &[Case] = &[
    // Something about the access token is wrong; the refresh token beside it is saved.
    ("no token type", Login::Kept, |server| set(server, "token_type", Value::Null)),
    ("an unknown token type", Login::Kept, |server| set(server, "token_type", json!("mac"))),
    ("a token type that is a number", Login::Kept, |server| set(server, "token_type", json!(1))),
    ("DPoP unasked", Login::Kept, |server| set(server, "token_type", json!("DPoP"))),
    ("no access token", Login::Kept, |server| set(server, "access_token", Value::Null)),
    ("an empty access token", Login::Kept, |server| set(server, "access_token", json!(""))),
    ("an access token that is an object", Login::Kept, |server| set(server, "access_token", json!({}))),
    ("a line feed in the access token", Login::Kept, |server| set(server, "access_token", json!("a\nb"))),
    ("scopes of another type", Login::Kept, |server| set(server, "scope", json!({ "a": 1 }))),
    ("an ID token of another type", Login::Kept, |server| set(server, "id_token", json!([]))),
    ("an ID token that is not a JWT", Login::Kept, |server| set(server, "id_token", json!("not.a.jwt"))),
    ("an error beside the tokens", Login::Kept, |server| set(server, "error", json!("server_error"))),
    ("a duplicate member", Login::Kept, |server| {
        damage(server, |_, body| drop(body.splice(0..1, *b"{\"x\":1,\"x\":2,")));
    }),
    ("deep nesting", Login::Kept, |server| {
        let deep = format!("{}{}", "[".repeat(60), "]".repeat(60));
        set(server, "x", serde_json::from_str(&deep).unwrap());
    }),
    ("text behind the answer", Login::Kept, |server| damage(server, |_, body| body.extend(b"</body>"))),
    ("a byte that is not UTF-8", Login::Kept, |server| {
        damage(server, |_, body| drop(body.splice(0..1, *b"{\"name\":\"\xff\",")));
    }),
    ("a failing status with the tokens", Login::Kept, |server| damage(server, |status, _| *status = 502)),
    ("a refusing status with the tokens", Login::Kept, |server| damage(server, |status, _| *status = 400)),
    ("an unusual success", Login::Kept, |server| damage(server, |status, _| *status = 206)),
    ("more than 1 MiB", Login::Kept, |server| set(server, "x", "x".repeat(1 << 20).into())),
    ("cut off behind the refresh token", Login::Kept, |server| {
        server.rewrite("/token", |reply| {
            let Reply::Full { body, .. } = reply else { panic!("{reply:?}") };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len() + 10);
            Reply::Raw([head.as_bytes(), &body].concat())
        });
    }),
    // Something about the ID token is wrong, but not its user.
    ("another audience", Login::Kept, |server| claims(server, &json!({ "aud": "another" }))),
    ("another authorized party", Login::Kept, |server| claims(server, &json!({ "azp": "another" }))),
    ("a hash of another access token", Login::Kept, |server| claims(server, &json!({ "at_hash": "x" }))),
    ("no subject", Login::Kept, |server| claims(server, &json!({ "sub": null }))),
    ("no issuer", Login::Kept, |server| claims(server, &json!({ "iss": null }))),
    ("no expiry", Login::Kept, |server| claims(server, &json!({ "exp": null }))),
    ("a signing key that is not published yet", Login::Kept, |server| {
        claims(server, &json!({}));
        server.rotate_key();
        server.fault("/jwks", Reply::json(200, &json!({ "keys": [] })));
    }),
    // The new refresh token did not arrive, or must not be used.
    ("502 from a gateway", Login::Unresolved, |server| replace(server, 502, "<html>bad gateway</html>")),
    ("503", Login::Unresolved, |server| replace(server, 503, "")),
    ("429", Login::Unresolved, |server| replace(server, 429, "{\"error\":\"slow_down\"}")),
    ("temporarily unavailable", Login::Unresolved, |server| {
        replace(server, 400, "{\"error\":\"temporarily_unavailable\"}");
    }),
    ("a server error in a refusing status", Login::Unresolved, |server| {
        replace(server, 400, "{\"error\":\"server_error\"}");
    }),
    ("a refusal in a failing status", Login::Unresolved, |server| {
        replace(server, 500, "{\"error\":\"internal_error\"}");
    }),
    ("a gateway's words", Login::Unresolved, |server| replace(server, 404, "{\"error\":\"Not Found\"}")),
    ("a redirect", Login::Unresolved, |server| {
        server.lose("/token", Reply::redirect(302, "/elsewhere"));
    }),
    ("an empty answer", Login::Unresolved, |server| replace(server, 200, "")),
    ("HTML", Login::Unresolved, |server| replace(server, 200, "<html>ok</html>")),
    ("an object without tokens", Login::Unresolved, |server| replace(server, 200, "{}")),
    ("an error without a code", Login::Unresolved, |server| replace(server, 400, "{\"message\":\"no\"}")),
    ("a refresh token that is a number", Login::Unresolved, |server| set(server, "refresh_token", json!(7))),
    ("a refresh token with a line feed", Login::Unresolved, |server| {
        set(server, "refresh_token", json!("a\nb"));
    }),
    ("two refresh tokens", Login::Unresolved, |server| {
        damage(server, |_, body| drop(body.splice(0..1, *b"{\"refresh_token\":\"other\",")));
    }),
    ("cut off", Login::Unresolved, |server| {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"access_token\":\"a\"";
        server.lose("/token", Reply::Raw(answer.to_vec()));
    }),
    ("the ID token of another user", Login::Unresolved, |server| {
        claims(server, &json!({ "sub": "mallory" }))
    }),
    ("the ID token of another issuer", Login::Unresolved, |server| {
        claims(server, &json!({ "iss": "https://evil.example" }));
    }),
    ("another user beside a broken access token", Login::Unresolved, |server| {
        claims(server, &json!({ "sub": "mallory" }));
        set(server, "token_type", Value::Null);
    }),
];
