//! `authctl login URL` with nothing configured: clients that register themselves or publish a document, Model Context
//! Protocol servers, and concurrent logins.

mod at_once;
mod documents;
mod mcp;
mod registration;

use std::process::Command;

use serde_json::Value;

use crate::parts::{Ended, Home, OidcProvider, folder, node};

/// The command of a scripted browser.
fn walker() -> String {
    format!("{} {} %s", node().display(), folder().join("walk.mjs").display())
}

/// A login with a test's variables.
fn login(home: &Home, arguments: &[&str]) -> Command {
    home.command(&[&["login", "--browser", &walker(), "--timeout", "30s"], arguments].concat())
}

/// The status of a GET with a bearer token.
fn status_of(url: &str, token: &str) -> u16 {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", "@-", url]);
    let ended = crate::interop::fed(curl, &format!("Authorization: Bearer {token}"));
    ended.ok().text().parse().unwrap()
}

/// The parameters of the last request to a path.
fn last(server: &OidcProvider, path: &str) -> Value {
    server.requests_to(path).pop().unwrap()["parameters"].clone()
}

/// Checks that the output contains no token.
#[track_caller]
fn silent(server: &OidcProvider, ended: Ended) -> Ended {
    for token in server.issued() {
        assert!(!ended.stdout.contains(&token) && !ended.stderr.contains(&token), "a token is in {ended:#?}");
    }
    ended
}
