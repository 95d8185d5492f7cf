//! Encrypted files and their key: `[store] key`, `authctl store status|move|rekey|unlock` (F-STO6).

mod format;
mod key;
mod rekey;

use std::path::PathBuf;

use crate::support::sandbox::{server_config, set_mode};
use crate::support::{AuthorizationServer, Sandbox};

const PASSPHRASE: &str = "kind = \"file\", key = \"passphrase\", unlock_for = \"1h\"";

fn config(server: &AuthorizationServer, store: &str) -> String {
    server_config(&server.domain(), "").replace("store = \"file\"", &format!("store = {{ {store} }}"))
}

/// A configuration that gets the key from a program, and that program.
fn by_program(server: &AuthorizationServer, sandbox: &Sandbox, prints: &str) -> String {
    let program = sandbox.write("key-program", &format!("#!/bin/sh\necho '{prints}'\n"));
    set_mode(&program, 0o700);
    config(server, &format!("kind = \"file\", key = {{ command = [\"{}\"] }}", program.display()))
}

fn key_file(sandbox: &Sandbox) -> PathBuf {
    sandbox.path("data/store.key")
}
