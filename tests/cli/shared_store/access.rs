//! Access to the shared store, and its errors.

use super::{KEY, config, machine, printed};
use crate::support::http::Reply;
use crate::support::sandbox::set_mode;
use crate::support::vault::{TOKEN, VaultServer};
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn vault_errors_are_reported_and_lose_nothing() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let sandbox = machine(&server, &vault);
    sandbox.run(&["login"]).ok();
    let token = sandbox.run(&["token"]).ok();
    sandbox.environment.set("VAULT_TOKEN", "hvs.wrong");
    sandbox.run(&["token"]).fails(6).says("cannot use Vault").says("permission denied");
    sandbox.environment.set("VAULT_TOKEN", TOKEN);
    sandbox.clock.skip_waits();
    vault.fault(Reply::json(503, &serde_json::json!({ "errors": ["Vault is sealed"] })));
    assert_eq!(sandbox.run(&["token"]).ok(), token, "it was asked again");
    for _ in 0..200 {
        vault.fault(Reply::json(503, &serde_json::json!({ "errors": ["Vault is \u{1b}[31msealed"] })));
    }
    let sealed = sandbox.run(&["token"]).fails(6).says("Vault is \\u{1b}[31msealed");
    assert!(!sealed.stderr.contains('\u{1b}'));
    let vault = VaultServer::start();
    sandbox.configure(&config(&server, &vault, &printed(KEY), ""));
    sandbox.run(&["token"]).fails(3);
    let nobody = config(&server, &vault, &printed(KEY), "").replace(&vault.url(), "http://127.0.0.1:9");
    sandbox.configure(&nobody);
    sandbox.run(&["token"]).fails(6).says("cannot reach 127.0.0.1:9");
    assert!(!server.any_family_revoked());
}

#[test]
fn the_vault_token_comes_from_vaults_tools_or_from_a_provider() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    machine(&server, &vault).run(&["login"]).ok();
    let base = config(&server, &vault, &printed(KEY), "");
    let sandbox = Sandbox::new(&base);
    sandbox.run(&["token", "as"]).fails(6).says("permission denied");
    sandbox.write(".vault-token", &format!("{TOKEN}\n"));
    let token = sandbox.run(&["token", "as"]).ok();
    std::fs::remove_file(sandbox.path(".vault-token")).unwrap();

    sandbox.environment.set("MY_VAULT", TOKEN);
    for source in [
        "{ env = \"MY_VAULT\" }".to_owned(),
        format!("{{ command = [\"echo\", \"{TOKEN}\"] }}"),
        "{ provider = \"vault\" }".to_owned(),
    ] {
        let with = config(&server, &vault, &printed(KEY), &format!(", token = {source}"));
        sandbox.configure(&format!(
            "{with}[credentials.vault]\ndomain = \"vault.example\"\njwt = {{ env = \"MY_VAULT\" }}\n"
        ));
        assert_eq!(sandbox.run(&["token", "as"]).ok(), token, "{source}");
        let shown = sandbox.run(&["config", "show"]).ok();
        assert!(shown.stdout.contains("store.kind") && !shown.stdout.contains(TOKEN), "{shown}");
    }
    sandbox.configure(&config(&server, &vault, &printed(KEY), ", token = { provider = \"nobody\" }"));
    sandbox.run(&["token", "as"]).fails(6).says("cannot get the credentials for Vault");

    // The address may come from the environment if the configuration has none.
    sandbox.configure(&base.replace(&format!("address = \"{}\", ", vault.url()), ""));
    sandbox.environment.set("VAULT_TOKEN", TOKEN);
    sandbox.run(&["token", "as"]).fails(6).says("Vault is not configured");
    sandbox.environment.set("VAULT_ADDR", &vault.url());
    assert_eq!(sandbox.run(&["token", "as"]).ok(), token);
}

#[test]
fn a_missing_mount_is_not_an_empty_store() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let sandbox = machine(&server, &vault);
    sandbox.run(&["login"]).ok();
    let reply = serde_json::json!({ "errors": ["no handler for route \"secret/data/x\""] });
    vault.fault(Reply::json(404, &reply));
    sandbox.run(&["token"]).fails(6).says("no handler for route");
    sandbox.run(&["token"]).ok();
}

#[test]
fn the_browser_does_not_inherit_the_store_credential_f_leak2() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    for (source, variable) in [("", "VAULT_TOKEN"), (", token = { env = \"MY_VAULT\" }", "MY_VAULT")] {
        let sandbox = Sandbox::new(&config(&server, &vault, &printed(KEY), source));
        let browser = sandbox.write(
            "browser",
            "#!/bin/sh\nenv > \"$(dirname \"$0\")/seen\"\nexec curl -sL -o /dev/null \"$1\"\n",
        );
        set_mode(&browser, 0o700);
        let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["login"]);
        let output = command.env(variable, TOKEN).env("BROWSER", &browser).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let seen = std::fs::read_to_string(sandbox.path("seen")).unwrap();
        assert!(!seen.contains(TOKEN), "{seen}");
    }
}

#[test]
fn records_deleted_with_vaults_tools_can_be_written_again() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let sandbox = machine(&server, &vault);
    sandbox.run(&["login"]).ok();
    vault.soft_delete("/records/");
    sandbox.run(&["token"]).fails(3);
    sandbox.run(&["login"]).ok();
    sandbox.run(&["token"]).ok();
    sandbox.run(&["token", "--refresh"]).ok();
}

#[test]
fn configuration_mistakes_are_reported() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let sandbox = Sandbox::new("");
    let good = config(&server, &vault, &printed(KEY), "");
    for (from, to, says) in [
        (printed(KEY).as_str(), "\"file\"", "`store.key` must be \"passphrase\" or { command"),
        ("kind = \"vault\"", "kind = \"etcd\"", "`store.address` belongs to kind = \"vault\""),
        ("kind = \"vault\"", "kind = \"file\"", "`store.address` belongs to kind = \"vault\""),
        ("http://127", "http://192", "http is accepted only from the configuration"),
        ("key =", "_password = { stored = true }, key =", "`store.password` belongs to kind = \"etcd\""),
        ("key =", "token = { stdin = true }, key =", "`store.token` cannot be piped in"),
        ("key =", "mount_point = \"x\", key =", "mount_point"),
    ] {
        sandbox.configure(&good.replacen(from, to, 1));
        sandbox.run(&["token"]).fails(4).says(says);
    }
    let etcd = "store = { kind = \"etcd\", key = \"passphrase\", endpoints = [\"https://127.0.0.1:1\"], _password = { stored = true } }";
    sandbox.configure(etcd);
    sandbox.run(&["config", "check"]).fails(4).says("cannot be in the store that it opens");
    sandbox.configure("store = \"etcd\"\n");
    sandbox.run(&["config", "check"]).fails(4).says("`store.endpoints` is missing");
    sandbox.configure(&etcd.replace("{ stored = true }", "\"canary-password\""));
    let shown = sandbox.run(&["config", "show"]).ok();
    assert!(shown.stdout.contains("store._password = <set>") && !shown.stdout.contains("canary"), "{shown}");
    set_mode(&sandbox.path("config/config.toml"), 0o666);
    sandbox.run(&["token"]).fails(4).says("can be written by others");
}

/// A registration's redirect URI has a port on one machine, so no other machine uses it.
#[test]
fn the_note_of_a_registration_stays_with_its_machine() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.registers = Some(serde_json::Map::new()));
    let vault = VaultServer::start();
    let (one, other) = (machine(&server, &vault), machine(&server, &vault));
    for sandbox in [&one, &other] {
        let config = config(&server, &vault, &printed(KEY), "").replace("client_id = \"app\"\n", "");
        sandbox.configure(&config);
    }
    let refusal = serde_json::json!({ "error": "invalid_grant" });
    server.fault("/token", Reply::json(400, &refusal));
    one.run(&["login"]).fails(1);
    other.run(&["login"]).ok();
    assert_eq!(server.requests_to("/register").len(), 2, "the other machine registers its own client");
    one.run(&["login"]).ok();
    assert_eq!(server.requests_to("/register").len(), 2, "this one has the note");
}
