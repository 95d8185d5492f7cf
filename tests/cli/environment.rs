//! What environment variables may decide, and what they may not: anyone who can set one must not get your secrets.

use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

const X: &str = "[credentials.x]\ndomain = \"x.example\"\njwt = \"tok\"\n";

/// F-BIND3. A file's content must not become a token for a host that the environment names.
#[test]
fn the_environment_defines_no_provider_that_reads_a_file_or_runs_a_program() {
    for (name, kind) in [
        ("a file", &[("ENVIRONMENT__FILE", "id.json")][..]),
        ("a file as JSON", &[("ENVIRONMENT__FILE", "id.json"), ("ENVIRONMENT__FORMAT", "json")]),
        ("a file of the other name", &[("APP_SERVICE__FILE", "id.json")]),
        ("a program", &[("COMMAND", "echo")]),
        ("a provider program", &[("EXTERNAL__PROGRAM", "echo")]),
        ("a secret file", &[("JWT__FILE", "id.json")]),
        ("a secret file in a header", &[("API_KEY__HEADERS__X_KEY__FILE", "id.json")]),
        ("a stored secret", &[("JWT__STORED", "true")]),
        ("a certificate", &[("OAUTH__CERTIFICATE", "id.json"), ("OAUTH__CLIENT_ID", "c")]),
        (
            "another provider's token",
            &[("OAUTH__GRANT_TYPE", "token_exchange"), ("OAUTH__SUBJECT__PROVIDER", "x")],
        ),
        (
            "a file as the subject",
            &[("OAUTH__GRANT_TYPE", "token_exchange"), ("OAUTH__SUBJECT__FILE", "id.json")],
        ),
    ] {
        let evil = AuthorizationServer::start();
        let sandbox = Sandbox::new(X);
        let file = sandbox.write("id.json", "{\"access_token\":\"canary\"}");
        let set = |key: &str, value: &str| {
            sandbox.environment.set(&format!("AUTHCTL_CREDENTIALS__EVIL__{key}"), value);
        };
        set("DOMAIN", &evil.domain());
        set("SCHEME", "http");
        for (key, value) in kind {
            set(key, if *value == "id.json" { file.to_str().unwrap() } else { value });
        }
        for command in [&["token", "evil"][..], &["headers", "evil"], &["config", "check"]] {
            let output = sandbox.run(command).fails(4);
            assert!(!output.stderr.contains("canary"), "{name}: {output}");
        }
        assert!(evil.requests().is_empty(), "{name}");
        assert_eq!(sandbox.run(&["token", "x"]).ok().text(), "tok", "{name}: other providers still work");
    }
}

#[test]
fn the_environment_may_still_hand_over_a_token_itself() {
    let sandbox = Sandbox::new("");
    let set = |key: &str, value: &str| {
        sandbox.environment.set(&format!("AUTHCTL_CREDENTIALS__CI__{key}"), value);
    };
    set("DOMAIN", "ci.example");
    set("ENVIRONMENT__VARIABLE", "JOB_TOKEN");
    sandbox.environment.set("JOB_TOKEN", "tok");
    assert_eq!(sandbox.run(&["token", "ci"]).ok().text(), "tok");
}

/// Variables can set only the listed keys, even if the file omits the others.
#[test]
fn the_environment_sets_few_keys_of_a_files_provider() {
    for (key, value, is_allowed) in [
        ("OAUTH__CLIENT_ID", "other", true),
        ("OAUTH__CLIENT_SECRET", "s", true),
        ("OAUTH__SCOPES", "openid", true),
        ("OAUTH__AUDIENCE", "a", true),
        ("OAUTH__RESOURCE", "https://r.example", true),
        ("DOMAIN", "evil.example", false),
        ("HOSTS", "evil.example", false),
        ("SCHEME", "http", false),
        ("URL", "https://evil.example", false),
        ("TEMPLATE", "github", false),
        ("HELPER__AWS_ENDPOINT", "https://evil.example", false),
        ("OAUTH__ISSUER", "https://evil.example", false),
        ("OAUTH__TOKEN_ENDPOINT", "https://evil.example", false),
        ("OAUTH__REFRESH_ENDPOINT", "https://evil.example", false),
        ("OAUTH__REVOCATION_ENDPOINT", "https://evil.example", false),
        ("OAUTH__USERINFO_ENDPOINT", "https://evil.example", false),
        ("OAUTH__INTROSPECTION_ENDPOINT", "https://evil.example", false),
        ("OAUTH__AUTHORIZATION_ENDPOINT", "https://evil.example", false),
        ("OAUTH__END_SESSION_ENDPOINT", "https://evil.example", false),
        ("OAUTH__JWKS_URI", "https://evil.example", false),
        ("OAUTH__GRANT_TYPE", "client_credentials", false),
        ("OAUTH__CA_FILE", "evil.pem", false),
        ("OAUTH__PROXY", "http://evil.example", false),
        ("OAUTH__EXTRA_PARAMS__X", "y", false),
        ("OAUTH__TOKEN_PARAMS___X", "y", false),
        ("OAUTH__QUIRKS__RESOURCE", "false", false),
        ("API_KEY__KEY", "k", false),
        ("ENVIRONMENT__VARIABLE", "HOME", false),
        ("COMMAND", "echo", false),
    ] {
        let sandbox = Sandbox::new(&server_config("as.example", "").replace("scheme = \"http\"\n", ""));
        sandbox.environment.set(&format!("AUTHCTL_CREDENTIALS__AS__{key}"), value);
        let output = sandbox.run(&["config", "check"]);
        assert_eq!(output.status == 0, is_allowed, "{key}: {output}");
        if !is_allowed {
            sandbox.run(&["token", "as"]).fails(4).says("the environment cannot");
        }
    }
}

/// Only a config file can set etcd's or Vault's address and credentials.
#[test]
fn the_environment_chooses_among_the_stores_of_this_machine() {
    for (store, is_allowed) in
        [("auto", true), ("keyring", true), ("file", true), ("etcd", false), ("vault", false), ("x", false)]
    {
        let sandbox = Sandbox::new(X);
        sandbox.environment.set("AUTHCTL_STORE", store);
        let output = sandbox.run(&["config", "check"]);
        assert_eq!(output.status == 0, is_allowed, "{store}: {output}");
        if !is_allowed {
            output
                .says("AUTHCTL_STORE must be `auto`, `keyring` or `file`")
                .says("[store] in your config file");
        }
    }
}

/// F-BIND6
#[test]
fn a_note_says_that_the_environment_chose_the_config_file() {
    let sandbox = Sandbox::new(X);
    let other = sandbox.write("other.toml", "[credentials.o]\ndomain = \"o.example\"\njwt = \"other\"\n");
    let note = "note: using the config file ~/other.toml, because AUTHCTL_CONFIG names it\n";
    sandbox.environment.set("AUTHCTL_CONFIG", other.to_str().unwrap());
    let token = sandbox.run(&["token"]).ok();
    assert_eq!((token.text(), token.stderr.as_str()), ("other", note));
    for command in [
        &["token", "o"][..],
        &["token", "o", "-o", "raw"],
        &["token", "o", "-o", "json"],
        &["headers", "o"],
        &["--json", "status"],
        &["--json", "config", "path"],
        &["--json", "config", "check"],
        &["helper", "kubernetes", "o"],
        &["token", "missing"],
    ] {
        let output = sandbox.run(command);
        assert_eq!(output.stderr.matches("AUTHCTL_CONFIG").count(), 1, "{command:?}: {output}");
        assert!(!output.stdout.contains("AUTHCTL_CONFIG"), "{command:?}: {output}");
        if command[0] == "--json" {
            serde_json::from_str::<serde_json::Value>(&output.stdout).unwrap();
        }
    }
    for command in [&["--quiet", "token", "o"][..], &["completions", "bash"]] {
        assert!(!sandbox.run(command).ok().stderr.contains("AUTHCTL_CONFIG"), "{command:?}");
    }
    let own = sandbox.path("config/config.toml");
    let option = sandbox.run(&["--config", own.to_str().unwrap(), "token"]).ok();
    assert_eq!(
        (option.text(), option.stderr.as_str()),
        ("tok", ""),
        "the user chose this file on the command line"
    );
    sandbox.environment.set("AUTHCTL_CONFIG", "");
    assert_eq!(sandbox.run(&["token"]).ok().stderr, "");
}

/// F-BIND6: a name that is not Unicode must not select another file.
#[cfg(target_os = "linux")]
#[test]
fn a_config_file_may_have_any_name() {
    use std::os::unix::ffi::OsStrExt as _;
    let sandbox = crate::support::Sandbox::new("[credentials.own]\ndomain = \"a.example\"\njwt = \"own\"\n");
    let named = sandbox.path("config").join(std::ffi::OsStr::from_bytes(b"other-\xff.toml"));
    let run = || {
        let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["token"]);
        command.env("AUTHCTL_CONFIG", &named).stdin(std::process::Stdio::null()).output().unwrap()
    };
    let missing = run();
    assert_eq!((missing.status.code(), missing.stdout.as_slice()), (Some(4), b"".as_slice()));
    std::fs::write(&named, "[credentials.other]\ndomain = \"b.example\"\njwt = \"other\"\n").unwrap();
    crate::support::sandbox::set_mode(&named, 0o600);
    assert_eq!(run().stdout, b"other\n");
}
