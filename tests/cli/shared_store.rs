//! A store that several machines share: Vault, as its documentation says. etcd is tried for real in `tests/e2e`.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use crate::support::http::{Reply, Server, certificates};
use crate::support::sandbox::{server_config, set_mode};
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

/// A machine with a home of its own.
fn machine(server: &AuthorizationServer, vault: &VaultServer) -> Sandbox {
    let sandbox = Sandbox::new(&config(server, vault, &printed(KEY), ""));
    sandbox.environment.set("VAULT_TOKEN", TOKEN);
    sandbox
}

#[test]
fn one_login_serves_every_machine() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let (one, other) = (machine(&server, &vault), machine(&server, &vault));
    one.run(&["login"]).ok().says("Kept in Vault.");
    let token = one.run(&["token"]).ok().stdout;
    assert_eq!(other.run(&["token"]).ok().stdout, token);
    assert_eq!(server.token_requests("authorization_code"), 1);
    for secret in server.secrets().iter().map(String::as_str).chain([KEY]) {
        assert!(!vault.everything().contains(secret), "everything is sealed before it leaves");
    }
    assert!(other.stores_no_record(), "nothing is kept here but the list");

    other.clock.advance(4000);
    let renewed = other.run(&["token"]).ok().stdout;
    assert_ne!(renewed, token);
    one.clock.advance(4000);
    assert_eq!(one.run(&["token"]).ok().stdout, renewed);
    assert_eq!(server.token_requests("refresh_token"), 1);

    one.run(&["logout"]).ok();
    other.run(&["token"]).fails(3).says("not logged in");
    assert!(!vault.names().iter().any(|name| name.contains("/records/")), "{:?}", vault.names());
    other.clock.advance(-4000);
    one.clock.advance(-4000);
    other.run(&["login"]).ok();
    one.run(&["token"]).ok();
}

#[test]
fn ten_machines_refresh_once_f_rot1() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    machine(&server, &vault).run(&["login"]).ok();
    let start = Arc::new(Barrier::new(10));
    let tokens: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..10)
            .map(|_| {
                let (start, server, vault) = (Arc::clone(&start), &server, &vault);
                scope.spawn(move || {
                    let sandbox = machine(server, vault);
                    sandbox.clock.advance(4000);
                    start.wait();
                    sandbox.run(&["token"]).ok().stdout
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(tokens.iter().all(|token| *token == tokens[0] && server.accepts(token.trim())), "{tokens:?}");
    assert_eq!(server.token_requests("refresh_token"), 1);
    assert!(!server.any_family_revoked());
}

/// The lock is only an optimisation: where somebody does not take part in it, the compare and swap saves the session.
#[test]
fn a_write_over_another_machines_loses_nothing() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let (one, other) = (machine(&server, &vault), machine(&server, &vault));
    one.run(&["login"]).ok();
    // Somebody touched the record between our reading of it under the lock and our writing: ours is the newer.
    vault.race("/records/", 2);
    let renewed = one.run(&["token", "--refresh"]).ok().stdout;
    assert_eq!(vault.conflicts(), 1);
    assert!(server.accepts(renewed.trim()));
    assert_eq!(other.run(&["token"]).ok().stdout, renewed);
    other.run(&["token", "--refresh"]).ok();
    assert!(!server.any_family_revoked());
}

/// The locks have run out, as those of a machine do that was suspended: the compare and swap alone decides who sends.
#[test]
fn of_two_refreshes_at_once_one_wins_and_the_other_adopts_it() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    machine(&server, &vault).run(&["login"]).ok();
    server.set(|behaviour| behaviour.pause = Duration::from_millis(700));
    vault.give_all_locks();
    let tokens: Vec<String> = std::thread::scope(|scope| {
        let refresh = || {
            let sandbox = machine(&server, &vault);
            sandbox.clock.advance(4000);
            sandbox.run(&["token"]).ok().stdout
        };
        let first = scope.spawn(refresh);
        while server.token_requests("refresh_token") == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        // Each reads the record before the other has written, and would send the same refresh token.
        let others: Vec<_> = (0..3).map(|_| scope.spawn(refresh)).collect();
        std::iter::once(first).chain(others).map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(server.token_requests("refresh_token"), 1);
    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
    assert!(!server.any_family_revoked());
}

/// One machine was cut off with the new tokens in its rescue: no other may use up the old ones meanwhile.
#[test]
fn a_refresh_begun_by_another_machine_is_left_to_it_for_ten_minutes_f_rot5() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let (one, other) = (machine(&server, &vault), machine(&server, &vault));
    one.run(&["login"]).ok();
    other.run(&["token"]).ok();
    one.clock.advance(4000);
    other.clock.advance(4000);
    one.clock.skip_waits();
    vault.cut_when(&server, "refresh_token");
    one.run(&["token"]).fails(6).says("could not be saved in Vault");
    vault.heal();
    other.clock.skip_waits();
    let told = other.run(&["token"]).fails(5);
    told.says("another machine began to renew").says("run `authctl token as` there");
    assert_eq!(server.token_requests("refresh_token"), 1);

    let token = one.run(&["token"]).ok().says("that could not be saved last time are now in Vault").stdout;
    assert_eq!(other.run(&["token"]).ok().stdout, token);
    assert!(server.accepts(token.trim()));

    // Where the other machine never comes back, this one tries in the end.
    for sandbox in [&one, &other] {
        sandbox.clock.advance(4000);
    }
    vault.cut_when(&server, "refresh_token");
    one.run(&["token"]).fails(6);
    vault.heal();
    other.run(&["token"]).fails(5);
    other.clock.advance(700);
    other.run(&["token"]).fails(3).says("does not accept");
}

/// F-ROT10: a machine whose refresh got no usable answer has nothing that the others could wait for, and leaves word.
#[test]
fn a_refresh_without_a_usable_answer_holds_up_no_other_machine() {
    for (rotated, status) in [(false, 0), (true, 3)] {
        let server = AuthorizationServer::start();
        let vault = VaultServer::start();
        let (one, other) = (machine(&server, &vault), machine(&server, &vault));
        one.run(&["login"]).ok();
        other.run(&["token"]).ok();
        one.clock.advance(4000);
        other.clock.advance(4000);
        let reply = Reply::full(502, &[], "<html>");
        if rotated {
            server.lose("/token", reply)
        } else {
            server.fault("/token", reply)
        };
        one.run(&["token"]).fails(5);
        let next = other.run(&["token"]);
        assert_eq!(next.status, status, "{next}");
        assert_eq!(server.token_requests("refresh_token"), 2, "{next}");
        if rotated {
            next.says("may have replaced it");
            one.run(&["token"]).fails(3).says("may have replaced it");
        }
    }
}

#[test]
fn a_write_whose_answer_is_lost_is_found_out_about() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let sandbox = machine(&server, &vault);
    sandbox.run(&["login"]).ok();
    sandbox.clock.skip_waits();
    // The lock, then the record.
    for reply in
        [Reply::Drop, Reply::json(503, &serde_json::json!({ "errors": ["the active node is away"] }))]
    {
        vault.lose_write(reply.clone());
        let first = sandbox.run(&["token", "--refresh"]).ok();
        vault.lose_write(Reply::json(200, &serde_json::json!({ "data": { "version": 1 } })));
        assert_ne!(sandbox.run(&["token", "--refresh"]).ok(), first);
        sandbox.clock.advance(60);
    }
    assert!(!server.any_family_revoked());
}

#[test]
fn what_goes_wrong_is_told_and_loses_nothing() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let sandbox = machine(&server, &vault);
    sandbox.run(&["login"]).ok();
    let token = sandbox.run(&["token"]).ok();
    sandbox.environment.set("VAULT_TOKEN", "hvs.wrong");
    sandbox.run(&["token"]).fails(6).says("Vault cannot be used").says("permission denied");
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
fn the_token_comes_from_where_vaults_tools_have_it_or_from_a_provider() {
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

    // The address may come from the environment, where the configuration has none.
    sandbox.configure(&base.replace(&format!("address = \"{}\", ", vault.url()), ""));
    sandbox.environment.set("VAULT_TOKEN", TOKEN);
    sandbox.run(&["token", "as"]).fails(6).says("no Vault is configured");
    sandbox.environment.set("VAULT_ADDR", &vault.url());
    assert_eq!(sandbox.run(&["token", "as"]).ok(), token);
}

/// F-BIND3. A variable must not lead a token away that another place keeps: each source is tried against an address, and
/// an authority, of the environment.
#[test]
fn vaults_address_in_the_environment_gets_only_a_token_of_the_environment() {
    let server = AuthorizationServer::start();
    let evil = VaultServer::start();
    let base = config(&server, &evil, &printed(KEY), "");
    let without_address = |more: &str| {
        base.replace(&format!("address = \"{}\", ", evil.url()), "").replace(" }\n", &format!("{more} }}\n"))
    };
    let token_file = |sandbox: &Sandbox| sandbox.write("token-file", TOKEN).display().to_string();
    for source in ["~/.vault-token", "file", "command", "provider"] {
        let sandbox = Sandbox::new("");
        sandbox.write(".vault-token", TOKEN);
        let token = match source {
            "file" => format!(", token = {{ file = \"{}\" }}", token_file(&sandbox)),
            "command" => format!(", token = {{ command = [\"echo\", \"{TOKEN}\"] }}"),
            "provider" => ", token = { provider = \"opener\" }".to_owned(),
            _ => String::new(),
        };
        let opener = format!("[credentials.opener]\ndomain = \"v.example\"\njwt = \"{TOKEN}\"\n");
        sandbox.configure(&format!("default = \"as\"\n{}{opener}", without_address(&token)));
        sandbox.environment.set("VAULT_ADDR", &evil.url());
        if source != "~/.vault-token" {
            sandbox.environment.set("VAULT_TOKEN", "hvs.not-this-one");
        }
        for command in [
            &["token"][..],
            &["token", "as", "-o", "raw"],
            &["login"],
            &["refresh"],
            &["logout"],
            &["store", "move", "vault"],
            &["secret", "set", "as", "client_secret"],
        ] {
            let output = sandbox.run_with(command, "x");
            assert!(evil.requests().is_empty(), "{source}: {command:?}: {output}");
        }
        sandbox.run(&["token", "as", "-o", "raw"]).fails(6).says("VAULT_ADDR is used only with a token from");
        let evil_config = sandbox.run(&["token"]).fails(6);
        evil_config.says("set `address` in [store]").says("VAULT_TOKEN");
    }
    for (name, token, variable) in
        [("VAULT_TOKEN", "", "VAULT_TOKEN"), ("a variable", ", token = { env = \"MY_VAULT\" }", "MY_VAULT")]
    {
        let sandbox = Sandbox::new(&without_address(token));
        sandbox.environment.set("VAULT_ADDR", &evil.url());
        sandbox.environment.set(variable, TOKEN);
        sandbox.run(&["token", "as"]).fails(3);
        assert!(!evil.requests().is_empty(), "{name}");
    }
}

/// F-BIND6. Another config file must not lead away what your own places keep.
#[test]
fn another_file_cannot_show_another_server_what_opens_the_store() {
    let server = AuthorizationServer::start();
    let (vault, evil) = (VaultServer::start(), VaultServer::start());
    let opener = "[credentials.opener]\ndomain = \"v.example\"\njwt = { stored = true }\n";
    let with = |vault, token: &str| format!("{}{opener}", config(&server, vault, &printed(KEY), token));
    for (source, token, said) in [
        ("~/.vault-token", String::new(), "what opens Vault is not for"),
        ("file", ", token = { file = \"~/token-file\" }".to_owned(), "what opens Vault is not for"),
        (
            "command",
            format!(", token = {{ command = [\"echo\", \"{TOKEN}\"] }}"),
            "what opens Vault is not for",
        ),
        (
            "secret",
            ", token = { provider = \"opener\" }".to_owned(),
            "the stored `jwt` of `opener` is not for",
        ),
        ("login", ", token = { provider = \"as\" }".to_owned(), "the login to `as` is not for"),
    ] {
        let sandbox = Sandbox::new(&with(&vault, &token));
        for file in [".vault-token", "token-file"] {
            sandbox.write(file, TOKEN);
        }
        match source {
            "login" => sandbox.run(&["login", "as"]).ok(),
            _ => sandbox.run_with(&["secret", "set", "opener", "jwt"], TOKEN).ok(),
        };
        let asked = if source == "login" { "opener" } else { "as" };
        let other = sandbox.write("other.toml", &with(&evil, &token));
        for (variable, options) in
            [("", &["--config", other.to_str().unwrap()][..]), (other.to_str().unwrap(), &[][..])]
        {
            sandbox.environment.set("AUTHCTL_CONFIG", variable);
            for command in [&["status"][..], &["store", "status"], &["refresh", "--all"]] {
                let output = sandbox.run(&[options, command].concat());
                assert!(evil.requests().is_empty(), "{source}: {command:?}: {output}");
            }
            let told = sandbox.run(&[options, &["token", asked]].concat()).fails(4);
            told.says(said)
                .says("this value of `store.address`, which")
                .says("other.toml:")
                .says("nothing was sent");
            assert!(evil.requests().is_empty(), "{source}");
        }
        // The same address in another file, and the own file.
        sandbox.environment.set("AUTHCTL_CONFIG", "");
        sandbox.write("other.toml", &with(&vault, &token));
        for options in [&["--config", other.to_str().unwrap()][..], &[]] {
            let sent = vault.requests().len();
            sandbox.run(&[options, &["token", asked]].concat());
            assert!(vault.requests().len() > sent, "{source}: {options:?}");
        }
    }
    // A token of the environment may go where the file of the environment says.
    let sandbox = Sandbox::new(&with(&vault, ""));
    sandbox.environment.set("VAULT_TOKEN", TOKEN);
    let other = sandbox.write("other.toml", &with(&evil, ""));
    sandbox.run(&["--config", other.to_str().unwrap(), "token", "as"]).fails(3);
    assert!(!evil.requests().is_empty());
}

/// An authority of the environment would let somebody else answer for the configured address.
#[test]
fn vaults_authority_in_the_environment_goes_with_a_token_of_the_environment() {
    let server = AuthorizationServer::start();
    let (authority, tls) = certificates();
    let vault = Server::start_tls(tls, |_| Reply::json(404, &serde_json::json!({ "errors": [] })));
    let address = format!("https://localhost:{}", vault.address().port());
    let config = server_config(&server.domain(), "").replace(
        "store = \"file\"",
        &format!("store = {{ kind = \"vault\", address = \"{address}\", key = {} }}", printed(KEY)),
    );
    let sandbox = Sandbox::new(&config);
    sandbox.clock.skip_waits();
    let authority = sandbox.write("authority.pem", &authority);
    sandbox.environment.set("VAULT_CACERT", authority.to_str().unwrap());
    sandbox.write(".vault-token", TOKEN);
    sandbox.run(&["token"]).fails(6);
    assert!(vault.requests().is_empty(), "no request, and so no token, reached it");
    sandbox.environment.set("VAULT_TOKEN", TOKEN);
    sandbox.run(&["token"]).fails(3);
    assert!(!vault.requests().is_empty());
}

/// Commands that change or examine what is stored find it on this machine: the shared store is not open yet.
#[test]
fn every_command_looks_for_what_opens_the_store_on_this_machine() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let with = config(&server, &vault, &printed(KEY), ", token = { provider = \"opener\" }");
    let opener = "[credentials.opener]\ndomain = \"v.example\"\njwt = { stored = true }\n";
    let sandbox = Sandbox::new(&format!("{with}{opener}"));
    sandbox.run(&["token", "as"]).fails(6).says("no `jwt` is stored for `opener`");
    sandbox.run_with(&["secret", "set", "opener", "jwt"], TOKEN).ok().says("in a sealed file");
    assert!(vault.requests().is_empty(), "it is stored here");
    sandbox.run(&["login", "as"]).ok().says("Kept in Vault.");
    let token = sandbox.run(&["token", "as"]).ok();
    let found = sandbox.run(&["doctor", "opener", "--offline"]);
    assert!(found.stdout.contains("jwt: kept in the token store"), "{found}");
    sandbox.run(&["store", "move", "vault"]).ok();
    assert_eq!(sandbox.run(&["token", "as"]).ok(), token, "a move leaves it where it is");
    let asked = vault.requests().len();
    sandbox.run(&["secret", "unset", "opener", "jwt"]).ok().says("Removed jwt");
    assert_eq!(vault.requests().len(), asked);
    sandbox.run(&["token", "as"]).fails(6).says("no `jwt` is stored for `opener`");
}

#[test]
fn the_accounts_of_what_opens_the_store_are_on_this_machine() {
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

/// The subject of an exchange may be the provider that opens the store, and the exchanged token be in the store.
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
fn the_provider_that_opens_the_store_is_kept_on_this_machine() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let with = config(&server, &vault, &printed(KEY), ", token = { provider = \"as\" }");
    let sandbox = Sandbox::new(&with);
    sandbox.run(&["login"]).ok().says("Kept in a sealed file.");
    let token = sandbox.run(&["token"]).ok();
    assert_ne!(sandbox.run(&["token", "--refresh"]).ok(), token);
    sandbox.run(&["refresh"]).ok();
    assert!(vault.requests().is_empty(), "nothing of it is asked for");
    sandbox.run(&["logout"]).ok();
    sandbox.run(&["token"]).fails(3);
}

#[test]
fn a_mount_that_is_not_there_is_not_an_empty_store() {
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
fn what_was_deleted_with_vaults_own_tools_can_be_written_again() {
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
fn the_lock_of_a_machine_that_died_is_taken_over() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let sandbox = machine(&server, &vault);
    sandbox.run(&["login"]).ok();
    sandbox.run(&["token", "--refresh"]).ok();
    vault.hold_lock();
    sandbox.clock.skip_waits();
    let before = authctl::ports::Clock::elapsed(&*sandbox.clock);
    sandbox.run(&["token", "--refresh"]).ok();
    let waited = authctl::ports::Clock::elapsed(&*sandbox.clock) - before;
    assert!(waited > Duration::from_secs(50) && waited < Duration::from_secs(60), "{waited:?}");
}

#[test]
fn a_passphrase_is_one_for_all_machines() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let machine = || {
        let sandbox = Sandbox::new(&config(&server, &vault, "\"passphrase\"", ""));
        sandbox.environment.set("VAULT_TOKEN", TOKEN);
        sandbox
    };
    let (one, other) = (machine(), machine());
    one.input.type_hidden(&["correct horse", "correct horse"]);
    one.run(&["login"]).ok();
    let token = one.run(&["token"]).ok();
    other.run(&["token"]).fails(6).says("authctl store unlock");
    other.input.pipe("wrong");
    other.run(&["store", "unlock"]).fails(6).says("not the passphrase");
    other.input.pipe("correct horse");
    other.run(&["store", "unlock"]).ok();
    assert_eq!(other.run(&["token"]).ok(), token);

    // One machine changes it, and the other finds out.
    one.input.type_hidden(&["new horse", "new horse"]);
    one.run(&["store", "rekey"]).ok().says("Sealed 1 record");
    assert_eq!(one.run(&["token"]).ok(), token);
    other.run(&["token"]).fails(6).says("locked");
    other.input.pipe("new horse");
    other.run(&["store", "unlock"]).ok();
    assert_eq!(other.run(&["token"]).ok(), token);
    let status: serde_json::Value =
        serde_json::from_str(&other.run(&["store", "status", "--json"]).ok().stdout).unwrap();
    assert_eq!((&status["store"], &status["key"]), (&"vault".into(), &"passphrase".into()));
}

const NEW_KEY: &str = "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=";

#[test]
fn a_key_changed_on_one_machine_reaches_the_others_f_sto1() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let (one, other) = (machine(&server, &vault), machine(&server, &vault));
    one.run(&["login"]).ok();
    let token = one.run(&["token"]).ok();
    assert_eq!(other.run(&["token"]).ok(), token);

    // The same program, a new key inside: what the other machine seals next, having opened nothing since, both can open.
    one.run(&["store", "rekey"]).ok();
    server.set(|behaviour| behaviour.user = "bob".to_owned());
    other.run(&["login", "--account", "bob"]).ok();
    let bobs = other.run(&["token", "--account", "bob"]).ok();
    assert_eq!(one.run(&["token", "--account", "bob"]).ok(), bobs);

    // Another program: the other machine has a copy of before.
    let changed = config(&server, &vault, &printed(NEW_KEY), "");
    one.configure(&changed);
    one.run(&["store", "rekey", "--", "echo", KEY]).ok();
    other.configure(&changed);
    assert_eq!(other.run(&["token", "--account", "bob"]).ok(), bobs);
    // A change there as well takes nothing from anybody.
    other.run(&["store", "rekey"]).ok();
    for machine in [&one, &other] {
        assert_eq!(machine.run(&["token", "--account", "alice"]).ok(), token);
        assert_eq!(machine.run(&["token", "--account", "bob"]).ok(), bobs);
    }
}

#[test]
fn an_invalid_key_does_not_replace_the_copy_f_sto1() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let (one, other) = (machine(&server, &vault), machine(&server, &vault));
    one.run(&["login"]).ok();
    let token = other.run(&["token"]).ok();
    let good = vault.content("/store.key");
    let open = "authctl store key 2\n{\"source\":\"file\",\"keys\":\"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\"}\n";
    for (planted, says) in [("", "it is no key of authctl"), (open, "it lies open")] {
        vault.replace("/store.key", planted);
        assert_eq!(other.run(&["token"]).ok(), token, "the copy opens what is there");
        one.run(&["token", "--refresh"]).fails(6).says(says);
        vault.replace("/store.key", &good);
    }
    one.run(&["token", "--refresh"]).ok();
}

#[test]
fn another_user_on_another_machine_cannot_take_an_account() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let (one, other) = (machine(&server, &vault), machine(&server, &vault));
    one.run(&["login", "--account", "work"]).ok();
    let alices = one.run(&["token", "--account", "work"]).ok();
    server.set(|behaviour| behaviour.user = "bob".to_owned());
    other
        .run(&["login", "--account", "work"])
        .fails(1)
        .says("belongs to `alice`, and you logged in as `bob`");
    other.run(&["login"]).ok();
    // A name that only the other machine lists is taken all the same.
    other.run(&["account", "rename", "bob", "work"]).fails(1).says("an account `work` already");
    assert_eq!(one.run(&["token", "--account", "work"]).ok(), alices);
    assert_eq!(other.run(&["token", "--account", "work"]).ok(), alices);
    let bobs = other.run(&["token", "--account", "bob"]).ok();
    assert_ne!(bobs, alices);
    other.run(&["account", "rename", "bob", "home"]).ok();
    assert_eq!(one.run(&["token", "--account", "home"]).ok(), bobs);
}

#[test]
fn a_move_stops_before_what_is_there_already() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let shared = config(&server, &vault, &printed(KEY), "");
    machine(&server, &vault).run(&["login"]).ok();
    let names = vault.names();
    // From the keyring, whose locks lie beside those of a shared store.
    let sandbox = Sandbox::new(&server_config(&server.domain(), "").replace("\"file\"", "\"keyring\""));
    sandbox.environment.set("VAULT_TOKEN", TOKEN);
    sandbox.keyring.present();
    sandbox.run(&["login"]).ok().says("Kept in the keyring.");
    let mine = sandbox.run(&["token"]).ok();
    sandbox.configure(&shared);
    sandbox
        .run(&["store", "move", "vault"])
        .fails(6)
        .says("nothing was moved over it")
        .says("logout --local");
    assert_eq!(vault.names(), names);
    sandbox.configure(&server_config(&server.domain(), "").replace("\"file\"", "\"keyring\""));
    assert_eq!(sandbox.run(&["token"]).ok(), mine, "it is still there");
    let other = machine(&server, &vault);
    other.run(&["token"]).ok();
    other.run(&["logout"]).ok();
    sandbox.configure(&shared);
    sandbox.run(&["store", "move", "vault"]).ok().says("Moved 1 account");
    assert_eq!(sandbox.run(&["token"]).ok(), mine);
}

#[test]
fn everything_moves_there_and_back() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let shared = config(&server, &vault, &printed(KEY), "");
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.environment.set("VAULT_TOKEN", TOKEN);
    sandbox.run(&["login"]).ok();
    let token = sandbox.run(&["token"]).ok();
    sandbox.run(&["store", "move", "vault"]).fails(6).says("no Vault is configured");
    std::fs::remove_file(sandbox.path("data/store.key")).unwrap();
    sandbox.configure(&shared);
    sandbox.run(&["store", "move", "vault"]).fails(6).says("key");
    let sandbox = Sandbox::new(
        &shared
            .replace("kind = \"vault\", ", "kind = \"file\", ")
            .replace(&format!("address = \"{}\", ", vault.url()), ""),
    );
    sandbox.environment.set("VAULT_TOKEN", TOKEN);
    sandbox.run(&["login"]).ok();
    let mine = sandbox.run(&["token"]).ok();
    assert_ne!(mine, token);
    sandbox.configure(&shared);
    sandbox.run(&["token"]).fails(6).says("authctl store move vault");
    sandbox.run(&["store", "move", "vault"]).ok().says("Moved 1 account");
    assert!(sandbox.stores_no_record());
    assert_eq!(sandbox.run(&["token"]).ok(), mine);
    let other = machine(&server, &vault);
    assert_eq!(other.run(&["token"]).ok(), mine);
    // Another machine, which has never listed it, takes it back.
    let third = machine(&server, &vault);
    third.run(&["store", "move", "file"]).ok().says("as (alice)").says("Moved 1 account");
    assert!(!vault.names().iter().any(|name| name.contains("/records/")));
}

#[test]
fn slips_in_the_configuration_are_told() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let sandbox = Sandbox::new("");
    let good = config(&server, &vault, &printed(KEY), "");
    for (from, to, says) in [
        (printed(KEY).as_str(), "\"file\"", "`store.key` must be \"passphrase\" or { command"),
        ("kind = \"vault\"", "kind = \"etcd\"", "`store.address` belongs to kind = \"vault\""),
        ("kind = \"vault\"", "kind = \"file\"", "`store.address` belongs to kind = \"vault\""),
        ("http://127", "http://192", "http is taken for 127.0.0.1"),
        ("key =", "_password = { stored = true }, key =", "`store.password` belongs to kind = \"etcd\""),
        ("key =", "token = { stdin = true }, key =", "`store.token` cannot be piped in"),
        ("key =", "mount_point = \"x\", key =", "mount_point"),
    ] {
        sandbox.configure(&good.replacen(from, to, 1));
        sandbox.run(&["token"]).fails(4).says(says);
    }
    let etcd = "store = { kind = \"etcd\", key = \"passphrase\", endpoints = [\"https://127.0.0.1:1\"], _password = { stored = true } }";
    sandbox.configure(etcd);
    sandbox.run(&["config", "check"]).fails(4).says("cannot be kept in the store that it opens");
    sandbox.configure("store = \"etcd\"\n");
    sandbox.run(&["config", "check"]).fails(4).says("`store.endpoints` is missing");
    sandbox.configure(&etcd.replace("{ stored = true }", "\"canary-password\""));
    let shown = sandbox.run(&["config", "show"]).ok();
    assert!(shown.stdout.contains("store._password = <set>") && !shown.stdout.contains("canary"), "{shown}");
    set_mode(&sandbox.path("config/config.toml"), 0o666);
    sandbox.run(&["token"]).fails(4).says("can be written by others");
}

/// The redirect URI of a registration has a port of one machine, so no other machine takes it over.
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
