//! A store that several machines share: a fake Vault that follows its documentation. `tests/e2e` uses a real etcd.

mod access;
mod concurrency;
mod environment;
mod key;
mod logins;
mod moves;
mod unlocking_provider;

use crate::support::sandbox::server_config;
use crate::support::vault::{TOKEN, VaultServer};
use crate::support::{AuthorizationServer, Sandbox};

const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

fn config(server: &AuthorizationServer, vault: &VaultServer, key: &str, more: &str) -> String {
    let store = format!("store = {{ kind = \"vault\", address = \"{}\", key = {key}{more} }}", vault.url());
    server_config(&server.domain(), "").replace("store = \"file\"", &store)
}

fn printed(key: &str) -> String {
    format!("{{ command = [\"echo\", \"{key}\"] }}")
}

/// A machine with its own home.
fn machine(server: &AuthorizationServer, vault: &VaultServer) -> Sandbox {
    let sandbox = Sandbox::new(&config(server, vault, &printed(KEY), ""));
    sandbox.environment.set("VAULT_TOKEN", TOKEN);
    sandbox
}
