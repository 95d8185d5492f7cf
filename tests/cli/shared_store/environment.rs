//! What the environment and other config files may change in the shared store.

use super::{KEY, config, printed};
use crate::support::http::{Reply, Server, certificates};
use crate::support::sandbox::server_config;
use crate::support::vault::{TOKEN, VaultServer};
use crate::support::{AuthorizationServer, Sandbox};

/// F-BIND3. A variable must not send another place's token elsewhere: the test tries each source with an address and an
/// authority from the environment.
#[test]
fn a_vault_address_in_the_environment_gets_only_a_token_from_the_environment() {
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

/// Where the store's token comes from: name, keys, and the error if another file has another address.
fn store_tokens() -> [(&'static str, String, &'static str); 5] {
    let must_not = "the credentials for Vault must not go to";
    let provider = |name: &str| format!(", token = {{ provider = \"{name}\" }}");
    let command = format!(", token = {{ command = [\"echo\", \"{TOKEN}\"] }}");
    [
        ("~/.vault-token", String::new(), must_not),
        ("file", ", token = { file = \"~/token-file\" }".to_owned(), must_not),
        ("command", command, must_not),
        ("secret", provider("opener"), "the stored `jwt` of `opener` is not for"),
        ("login", provider("as"), "the login to `as` is not for"),
    ]
}

/// F-BIND6. Another config file must not redirect secrets from your own sources.
#[test]
fn another_file_cannot_send_the_store_token_to_another_server() {
    let server = AuthorizationServer::start();
    let (vault, evil) = (VaultServer::start(), VaultServer::start());
    let opener = "[credentials.opener]\ndomain = \"v.example\"\njwt = { stored = true }\n";
    let with = |vault, token: &str| format!("{}{opener}", config(&server, vault, &printed(KEY), token));
    for (source, token, said) in store_tokens() {
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
        // The same address in another file, and the user's own file.
        sandbox.environment.set("AUTHCTL_CONFIG", "");
        sandbox.write("other.toml", &with(&vault, &token));
        for options in [&["--config", other.to_str().unwrap()][..], &[]] {
            let sent = vault.requests().len();
            sandbox.run(&[options, &["token", asked]].concat());
            assert!(vault.requests().len() > sent, "{source}: {options:?}");
        }
    }
    // A token from the environment may go where a config file from the environment says.
    let sandbox = Sandbox::new(&with(&vault, ""));
    sandbox.environment.set("VAULT_TOKEN", TOKEN);
    let other = sandbox.write("other.toml", &with(&evil, ""));
    sandbox.run(&["--config", other.to_str().unwrap(), "token", "as"]).fails(3);
    assert!(!evil.requests().is_empty());
}

/// A certificate authority from the environment would let someone else impersonate the configured address.
#[test]
fn a_vault_authority_in_the_environment_needs_a_token_from_the_environment() {
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
