//! The provider that unlocks the shared store is stored on this machine.

use super::{KEY, config, printed};
use crate::support::vault::{TOKEN, VaultServer};
use crate::support::{AuthorizationServer, Sandbox};

/// Commands that change or show stored secrets find it on this machine: the shared store is not unlocked yet.
#[test]
fn every_command_finds_the_unlocking_provider_on_this_machine() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let with = config(&server, &vault, &printed(KEY), ", token = { provider = \"opener\" }");
    let opener = "[credentials.opener]\ndomain = \"v.example\"\njwt = { stored = true }\n";
    let sandbox = Sandbox::new(&format!("{with}{opener}"));
    sandbox.run(&["token", "as"]).fails(6).says("no `jwt` is stored for `opener`");
    sandbox.run_with(&["secret", "set", "opener", "jwt"], TOKEN).ok().says("in an encrypted file");
    assert!(vault.requests().is_empty(), "it is stored here");
    sandbox.run(&["login", "as"]).ok().says("Stored in Vault");
    let token = sandbox.run(&["token", "as"]).ok();
    let found = sandbox.run(&["doctor", "opener", "--offline"]);
    assert!(found.stdout.contains("jwt: stored in the token store"), "{found}");
    sandbox.run(&["store", "move", "vault"]).ok();
    assert_eq!(sandbox.run(&["token", "as"]).ok(), token, "a move leaves it where it is");
    let asked = vault.requests().len();
    sandbox.run(&["secret", "unset", "opener", "jwt"]).ok().says("Removed jwt");
    assert_eq!(vault.requests().len(), asked);
    sandbox.run(&["token", "as"]).fails(6).says("no `jwt` is stored for `opener`");
}

#[test]
fn the_unlocking_providers_accounts_are_on_this_machine() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let with = config(&server, &vault, &printed(KEY), ", token = { provider = \"as\" }");
    let sandbox = Sandbox::new(&with);
    sandbox.run(&["login"]).ok();
    let token = sandbox.run(&["token"]).ok();
    sandbox.run(&["account", "rename", "alice", "opener"]).ok();
    sandbox.run(&["account", "use", "opener"]).ok();
    assert!(sandbox.run(&["account", "list"]).ok().stdout.contains("opener"));
    let found = sandbox.run(&["doctor", "--offline", "--run-commands"]);
    assert!(!found.stdout.contains("cannot be read"), "{found}");
    assert_eq!(sandbox.run(&["token"]).ok(), token);
    assert!(vault.requests().is_empty(), "{:?}", vault.requests());
}

/// An exchange's subject may be the provider that unlocks the store that contains the exchanged token.
#[test]
fn an_exchange_finds_its_subject_where_that_is_stored() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let with = config(&server, &vault, &printed(KEY), ", token = { provider = \"opener\" }");
    let opener = "[credentials.opener]\ndomain = \"v.example\"\njwt = { stored = true }\n";
    let exchange = format!(
        "[credentials.x]\ndomain = \"{}\"\nscheme = \"http\"\n[credentials.x.oauth]\ngrant_type = \"token_exchange\"\nclient_id = \"app\"\nsubject = {{ provider = \"opener\" }}\n",
        server.domain()
    );
    let sandbox = Sandbox::new(&format!("default = \"as\"\n{with}{opener}{exchange}"));
    sandbox.run_with(&["secret", "set", "opener", "jwt"], TOKEN).ok();
    sandbox.run(&["token", "x"]);
    let sent = server.requests_to("/token");
    let subject = sent.first().and_then(|request| request.parameter("subject_token"));
    assert_eq!(subject.as_deref(), Some(TOKEN));
}

#[test]
fn the_unlocking_providers_login_is_stored_on_this_machine() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let with = config(&server, &vault, &printed(KEY), ", token = { provider = \"as\" }");
    let sandbox = Sandbox::new(&with);
    sandbox.run(&["login"]).ok().says("Stored in an encrypted file");
    let token = sandbox.run(&["token"]).ok();
    assert_ne!(sandbox.run(&["token", "--refresh"]).ok(), token);
    sandbox.run(&["refresh"]).ok();
    assert!(vault.requests().is_empty(), "Vault receives no request");
    sandbox.run(&["logout"]).ok();
    sandbox.run(&["token"]).fails(3);
}
