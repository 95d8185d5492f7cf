//! `authctl token`: cached, refreshed and narrowed tokens, and server errors.

mod concurrency;
mod formats;
mod hostile_responses;
mod lifetime;
mod refresh_errors;
mod scopes;

use std::process::Stdio;
use std::time::Duration;

use crate::support::{AuthorizationServer, Sandbox};

fn logged_in() -> (AuthorizationServer, Sandbox) {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    (server, sandbox)
}

/// The binary with a login whose token has expired.
fn parallel_sandbox() -> (AuthorizationServer, Sandbox) {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.expires_in = Some(1));
    let sandbox = Sandbox::with_server(&server.domain());
    let follow = sandbox.write("browser", "#!/bin/sh\nexec curl -sL -o /dev/null \"$1\"\n");
    crate::support::sandbox::set_mode(&follow, 0o700);
    let mut login =
        sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["login", "--browser", follow.to_str().unwrap()]);
    let output = login.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::thread::sleep(Duration::from_millis(1100));
    server.set(|behaviour| behaviour.expires_in = Some(3600));
    (server, sandbox)
}
